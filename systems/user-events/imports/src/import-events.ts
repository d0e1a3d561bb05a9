import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isFault, type Returned, type Sent } from "@banyan/kernel";
import type { AnyAction } from "@banyan/kernel/app";
import { events } from "@banyan/user-events-events/contract";
import type { Line } from "@banyan/user-events-formats";
import { intake } from "@banyan/user-events-intake/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { linesOf } from "./lines.ts";

/** Calls an action, in this process or over HTTP: `App.call`, or a client with its shape. */
type Call = <A extends AnyAction>(
  action: A,
  input: Sent<A>,
  options?: { readonly idempotencyKey?: string; readonly deadlineMs?: number },
) => Promise<Returned<A>>;

/** What the CLI gives an importer: files to read one after another, and whom to tell how far it is. */
export interface ImportRun {
  readonly files: readonly string[];
  readonly call: Call;
  progress(doneBytes: number, totalBytes: number): void;
  readonly signal: AbortSignal;
}

/** What became of every line: received = accepted + duplicate + refused. */
export interface ImportReport {
  readonly received: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly refused: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** Whose events they are. */
const sourceId = "import";
const chunkLines = 500;
/** Of JSON. */
const chunkBytesMax = 200_000;
const deadlineMs = 30_000;
const attemptsMax = 20;
const pauseMs = 100;

/**
 * Imports events line by line, each once however often the file is imported: an event without an id is known by its line. Done when
 * every line has its outcome, which the report counts. A file that stops being gzip counts as one that is refused, after the lines before.
 */
export async function importEvents({ files, call, progress, signal }: ImportRun): Promise<ImportReport> {
  const run = randomUUID();
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  await ensureSource(call);
  let received = 0;
  let doneBytes = 0;
  let chunk: Line[] = [];
  let bytes = 0;
  const broken: string[] = [];
  const send = async () => {
    signal.throwIfAborted();
    const lines = chunk;
    received += lines.length;
    chunk = [];
    bytes = 0;
    if (lines.length > 0) await retried(signal, (key) => sendAll(call, { run, lines }, key));
    progress(doneBytes, totalBytes);
  };
  for (const file of files) {
    const read = (count: number) => {
      doneBytes += count;
    };
    try {
      for await (const line of linesOf(file, signal, read)) {
        const lineBytes = Buffer.byteLength(JSON.stringify(line));
        if (chunk.length === chunkLines || bytes + lineBytes > chunkBytesMax) await send();
        chunk.push(line);
        bytes += lineBytes;
      }
    } catch (error) {
      if (!isOfGzip(error)) throw error;
      broken.push(basename(file));
    }
  }
  await send();
  return withBroken(await outcomeOf(call, { run, received }, signal), broken);
}

/** zlib's codes are `Z_DATA_ERROR`, `Z_BUF_ERROR` and the like. */
function isOfGzip(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

function withBroken(report: ImportReport, broken: readonly string[]): ImportReport {
  const reasons = broken.map((name) => [`${name}: the file is not what gzip writes, or is cut short`, 1] as const);
  return {
    ...report,
    received: report.received + broken.length,
    refused: report.refused + broken.length,
    reasons: { ...report.reasons, ...Object.fromEntries(reasons) },
  };
}

interface Chunk {
  readonly run: string;
  readonly lines: readonly Line[];
}

function sendAll(call: Call, { run, lines }: Chunk, idempotencyKey: string): Promise<unknown> {
  return call(intake.import, { source: sourceId, run, lines: [...lines] }, { idempotencyKey, deadlineMs });
}

async function ensureSource(call: Call): Promise<void> {
  await call(sources.create, { id: sourceId, name: "Imported files" }).catch((error: unknown) => {
    if (!sources.faults.sourceExists.is(error)) throw error;
  });
}

/** Asks until every line is stored, a duplicate, or refused. */
async function outcomeOf(
  call: Call,
  { run, received }: { readonly run: string; readonly received: number },
  signal: AbortSignal,
): Promise<ImportReport> {
  for (;;) {
    const { stored, duplicate, bad, reasons } = await retried(signal, () =>
      call(events.tally, { source: sourceId, run }),
    );
    if (stored + duplicate + bad >= received) return { received, accepted: stored, duplicate, refused: bad, reasons };
    await pause(pauseMs, undefined, { signal });
  }
}

/** Tries again what may be tried again; the key makes a try that did happen count once. */
async function retried<T>(signal: AbortSignal, attempt: (idempotencyKey: string) => Promise<T>): Promise<T> {
  const key = `import:${randomUUID()}`;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(key);
    } catch (error) {
      if (!isFault(error) || error.retry === "no" || tries === attemptsMax) throw error;
      await pause(error.retryAfterMs ?? pauseMs * tries, undefined, { signal });
    }
  }
}

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { History } from "./history.ts";
import type { Platform } from "./platform.ts";
import { accounts, planBerkaFile, planTransfers, type Transfer } from "./transfers.ts";

/** One answer that was no success, as the client saw it. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryAfter: string | null;
  readonly tookMs: number;
}

/** What a client got: an answer with its body, or nothing but a broken connection. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
  readonly tookMs: number;
}

export interface Load {
  readonly transfers: readonly Transfer[];
  /** Transfers acknowledged over HTTP so far. */
  readonly acknowledged: () => number;
  readonly refusals: readonly Refusal[];
  /** Connections that broke before the answer. */
  readonly broken: () => number;
  /** Settles when every transfer was acknowledged, or with what no client should ever see. */
  readonly done: Promise<void>;
  readonly isDone: () => boolean;
}

const singlesAtOnce = 8;
const bulkSize = 100;
/** Of transfers: singles over HTTP, bulks over HTTP, files through `banyan import`. */
const shares = { singles: 0.4, bulks: 0.3 };
const fileRows = 500;
const requestMs = 60_000;

/** Posts JSON as a client does that gives up after a minute; undefined where the connection broke. */
export async function post(
  { url, key }: Platform,
  path: string,
  { body, idempotencyKey }: { readonly body: unknown; readonly idempotencyKey?: string },
): Promise<Answer | undefined> {
  const began = performance.now();
  try {
    const response = await fetch(url + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(requestMs),
    });
    const text = await response.text();
    return { status: response.status, body: text, headers: response.headers, tookMs: performance.now() - began };
  } catch {
    return undefined;
  }
}

/** Opens accounts that may be overdrawn, or, with a floor, may not. */
export async function openAccounts(
  platform: Platform,
  addresses: readonly string[],
  floorMinor: number | null = null,
): Promise<void> {
  for (const address of addresses) {
    const answer = await post(platform, "/v1/accounts", { body: { address, currency: "EUR", floorMinor } });
    if (answer?.status !== 201) throw new Error(`opening ${address} gave ${answer?.status}: ${answer?.body}`);
  }
}

function transactionOf({ reference, source, destination, amountMinor, currency, day }: Transfer): object {
  const effectiveAt = `${day}T12:00:00Z`;
  return { reference, effectiveAt, postings: [{ source, destination, amountMinor, currency }] };
}

/** Wants `count` transfers posted in three ways at once, each repeated under its own key until it is acknowledged. */
export function startLoad(platform: Platform, history: History, count: number): Load {
  const singles = planTransfers("single", Math.round(count * shares.singles));
  const bulks = chunks(planTransfers("bulk", Math.round(count * shares.bulks)), bulkSize);
  const fileCount = Math.ceil((count - singles.length - bulks.flat().length) / fileRows);
  const files = Array.from({ length: fileCount }, (_, n) => planBerkaFile(1 + n * fileRows, fileRows));
  const transfers = [...singles, ...bulks.flat(), ...files.flatMap((file) => file.transfers)];
  const refusals: Refusal[] = [];
  const counts = { acknowledged: 0, broken: 0 };
  const stopped = new AbortController();

  /** Repeats a request until it succeeds. Whatever tells that the server went wrong ends the load. */
  const insist = async (path: string, body: unknown, references: readonly string[]): Promise<string> => {
    const idempotencyKey = `load:${references[0]}`;
    await history.record(references.map((reference) => ({ op: "invoked", reference })));
    for (;;) {
      stopped.signal.throwIfAborted();
      const answer = await post(platform, path, { body, idempotencyKey });
      if (answer !== undefined && answer.status < 300) return answer.body;
      await history.record(references.map((reference) => ({ op: "unknown", reference })));
      if (answer === undefined) counts.broken++;
      else refusals.push(refusalOf(answer, path));
      await sleep(answer === undefined ? 50 : 200);
    }
  };
  const acknowledge = async (posted: readonly { readonly reference: string; readonly id: string }[]) => {
    await history.record(posted.map(({ reference, id }) => ({ op: "ok", reference, id })));
    counts.acknowledged += posted.length;
  };
  const postSingles = async () => {
    for (let next = singles.shift(); next !== undefined; next = singles.shift()) {
      const text = await insist("/v1/ledger/transactions", transactionOf(next), [next.reference]);
      await acknowledge([{ reference: next.reference, id: JSON.parse(text).id }]);
    }
  };
  const postBulks = async () => {
    for (const bulk of bulks) {
      const references = bulk.map(({ reference }) => reference);
      const text = await insist("/v1/ledger/transactions/bulk", { transactions: bulk.map(transactionOf) }, references);
      const { results } = JSON.parse(text) as { results: { reference: string; status: string; id: string }[] };
      const strange = results.find(({ status }) => status !== "posted");
      // The key makes the first result come back; a duplicate means that it was posted without its record.
      if (strange !== undefined) throw new Error(`a bulk under its own key answered ${JSON.stringify(strange)}`);
      await acknowledge(results);
    }
  };
  const importFiles = async () => {
    for (const [n, { text, transfers: rows }] of files.entries()) {
      const path = join(platform.folder, `file ${n}.csv`);
      writeFileSync(path, text);
      await history.record(rows.map(({ reference }) => ({ op: "invoked", reference })));
      for (;;) {
        stopped.signal.throwIfAborted();
        const { code, stdout, stderr } = await platform.run("import", "berka", path, "--url", platform.url, "--json");
        if (code === 0) {
          const { received, accepted, duplicate, refused } = JSON.parse(stdout);
          if (received !== rows.length || accepted + duplicate !== received || refused !== 0)
            throw new Error(`an import reported ${stdout}`);
          break;
        }
        // It gave up on a server that stayed away; a person would run it again.
        if (!/cli\.unreachable|store\.|kernel\.(deadline|notRunning)/.test(stderr))
          throw new Error(`an import ended ${code}: ${stderr}`);
        await history.record(rows.map(({ reference }) => ({ op: "unknown", reference })));
      }
      await history.record(rows.map(({ reference }) => ({ op: "ok", reference })));
    }
  };

  const workers = [...Array.from({ length: singlesAtOnce }, postSingles), postBulks(), importFiles()];
  let isDone = false;
  const done = Promise.all(workers)
    .then(() => {})
    .catch((error: unknown) => {
      stopped.abort(error);
      throw error;
    })
    .finally(() => {
      isDone = true;
    });
  // Whoever waits for something else first must not be ended by this one.
  done.catch(() => {});
  return {
    transfers,
    acknowledged: () => counts.acknowledged,
    refusals,
    broken: () => counts.broken,
    done,
    isDone: () => isDone,
  };
}

/** What a client may conclude from; anything but a typed "not now" is a fault of the platform. */
export function refusalOf({ status, body, headers, tookMs }: Answer, path: string): Refusal {
  const retryAfter = headers.get("retry-after");
  const type = headers.get("content-type") ?? "";
  const problem = type.startsWith("application/problem+json") ? (JSON.parse(body) as { code: string }) : undefined;
  if (problem === undefined || (status !== 503 && status !== 504 && status !== 429))
    throw new Error(`${path} answered ${status}: ${body.slice(0, 500)}`);
  return { status, code: problem.code, retryAfter, tookMs };
}

/** Accounts that the load moves money between. */
export async function openLoadAccounts(platform: Platform): Promise<void> {
  await openAccounts(platform, accounts);
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}

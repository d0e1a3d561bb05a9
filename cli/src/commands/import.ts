import { statSync } from "node:fs";
import { resolve } from "node:path";
import { isFault } from "@banyan/kernel";
import { CommandFailure, exitCodes, usageFailure } from "../failure.ts";
import { startProgress } from "../output/progress.ts";
import { print, printJson, table } from "../output/terminal.ts";
import { type Where, withCall } from "../platform/with-call.ts";
import { stopSignal } from "../process/signals.ts";
import { type Call, type Importer, loadConfig } from "../project/config.ts";
import type { ImportReport } from "../project/import-report.ts";

const breaksShownMax = 10;
const advice =
  "What came before is kept. Run the same command again: it will count as duplicate, and the rest is imported.";

interface ImportOptions extends Where {
  readonly json?: boolean;
}

/** Imports files with the configuration's importer of that name: into a server, or with the services started here. */
export async function importFiles(format: string, given: readonly string[], options: ImportOptions): Promise<void> {
  const { importers } = await loadConfig();
  const importer = importers[format];
  if (importer === undefined) {
    const known = Object.entries(importers).map(([name, { summary }]) => `  ${name}  ${summary}`);
    throw usageFailure(
      `There is no importer for ${format}.`,
      known.length === 0 ? "Name some in banyan.config.ts." : `There are:\n${known.join("\n")}`,
    );
  }
  const files = given.map((file) => resolve(file));
  for (const file of files) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw usageFailure(`There is no file ${file}.`, "Check the path.");
    if (found.isDirectory()) throw usageFailure(`${file} is a folder.`, "Name the files in it.");
  }
  const run = (call: Call, signal: AbortSignal) =>
    runImporter(importer, { format, files, call, signal, quiet: options.json === true });
  const report = await withCall(options, run, stopSignal());
  if (options.json) printJson(report);
  else print(textOf(report));
}

interface ImporterRun {
  readonly format: string;
  readonly files: readonly string[];
  readonly call: Call;
  readonly signal: AbortSignal;
  readonly quiet: boolean;
}

async function runImporter(
  importer: Importer,
  { format, files, call, signal, quiet }: ImporterRun,
): Promise<ImportReport> {
  const progress = await startProgress(`Importing ${format}`, { quiet });
  let percent = 0;
  const update = (done: number, total: number) => {
    percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    progress.update(done, total);
  };
  try {
    return await importer.run({ files, call, signal, progress: update });
  } catch (error) {
    if (signal.aborted) {
      const exitCode = exitCodes.interrupted;
      const details = { percent };
      throw new CommandFailure(`The import was stopped when it had read ${percent} %.`, advice, {
        exitCode,
        code: "cli.interrupted",
        details,
      });
    }
    if (!isFault(error)) throw error;
    throw new CommandFailure(`The import stopped: ${error.message} (${error.code}).`, advice, {
      code: error.code,
      details: error.details,
      cause: error,
    });
  } finally {
    progress.stop();
  }
}

function textOf({ received, accepted, duplicate, refused, reasons, breaks }: ImportReport): string {
  const count = (value: number) => value.toLocaleString("en");
  const rows = [
    ["received", count(received)],
    ["accepted", count(accepted)],
    ["duplicate", count(duplicate)],
    ["refused", count(refused)],
  ];
  const conserved = received === accepted + duplicate + refused;
  const why = Object.entries(reasons).map(([reason, times]) => `  ${count(times)} x ${reason}`);
  const drifts = (breaks ?? []).slice(0, breaksShownMax).map((each) => `  ${told(each)}`);
  return [
    table(rows, [1]),
    conserved
      ? "received = accepted + duplicate + refused"
      : "received is NOT accepted + duplicate + refused: please report this",
    ...(why.length > 0 ? ["Refused because:", ...why] : []),
    ...(drifts.length > 0 ? [`Breaks, ${count(breaks?.length ?? 0)} (all with --json):`, ...drifts] : []),
  ].join("\n");
}

/** "balanceDrift, account berka:25, day 1996-12-31, driftMinor -10" */
function told(found: unknown): string {
  const facts = Object.entries(found as object).filter(([, value]) => value !== null);
  return facts.map(([name, value]) => (name === "kind" ? value : `${name} ${value}`)).join(", ");
}

import { importBerka } from "./import-berka.ts";
import { importCamt } from "./import-camt.ts";
import { importPain001 } from "./import-pain001.ts";

export type { Call } from "./post-in-bulk.ts";
export type { ImportRun } from "./read-file.ts";
export type { ImportBreak, ImportReport } from "./report.ts";
export { importBerka, importCamt, importPain001 };

/** The importers of `banyan import`, by name. */
export const neopayImporters = {
  berka: { summary: "Transactions of the Berka bank (PKDD'99), as CSV", run: importBerka },
  camt: { summary: "Bank statements: camt.053, camt.054, MT940 or CSV", run: importCamt },
  pain001: { summary: "Payment initiations: pain.001", run: importPain001 },
};

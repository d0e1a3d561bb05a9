export { type BanyanConfig, type Call, defineConfig, type Importer, type ImportRun } from "./config.ts";
export type { ImportReport } from "./import-report.ts";

export { createHttpCall } from "./http/http-call.ts";
export { type BanyanConfig, type Call, defineConfig, type Importer, type ImportRun } from "./project/config.ts";
export type { ImportReport } from "./project/import-report.ts";

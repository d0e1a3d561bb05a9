export { createHttpCall } from "./http/http-call.ts";
export {
  type BanyanConfig,
  type Call,
  type Demo,
  type DemoRun,
  type DemoStep,
  defineConfig,
  type Importer,
  type ImportRun,
} from "./project/config.ts";
export type { ImportReport } from "./project/import-report.ts";

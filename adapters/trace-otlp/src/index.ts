export { exportTraces, type TraceExport, type TraceExportOptions } from "./export-traces.ts";

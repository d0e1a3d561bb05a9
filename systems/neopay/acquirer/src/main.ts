import { parseArgs } from "node:util";
import { openAcquirer } from "./server.ts";

/* node main.ts [--port N] [--file PATH] [--late MS] [--chaos SEED:PERMILLE]: prints {"url"} and runs until its input ends. */
const { values } = parseArgs({
  options: { port: { type: "string" }, file: { type: "string" }, late: { type: "string" }, chaos: { type: "string" } },
});
const [seed, permille] = (values.chaos ?? "").split(":").map(Number);

const acquirer = await openAcquirer({
  ...(values.port !== undefined && { port: Number(values.port) }),
  ...(values.file !== undefined && { file: values.file }),
  ...(values.late !== undefined && { lateMs: Number(values.late) }),
  ...(seed !== undefined && permille !== undefined && { chaos: { seed, permille } }),
});
process.stdout.write(`${JSON.stringify({ url: acquirer.url })}\n`);
// It never outlives who started it.
process.stdin.resume().once("end", () => void acquirer.close());

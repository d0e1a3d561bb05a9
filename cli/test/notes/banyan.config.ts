import { readFile } from "node:fs/promises";
import { type Call, defineConfig, type Importer } from "@banyan/cli";
import { isFault } from "@banyan/kernel";
import { notes } from "./contract.ts";
import { notesService } from "./service.ts";

/** One note per line. */
const lines: Importer = {
  summary: "text files, one note per line",
  async run({ files, call, progress }) {
    const report = { received: 0, accepted: 0, duplicate: 0, refused: 0, reasons: {} as Record<string, number> };
    for (const [done, file] of files.entries()) {
      progress(done, files.length);
      for (const text of (await readFile(file, "utf8")).split("\n")) {
        report.received++;
        const outcome = await write(call, text);
        if (outcome === "accepted" || outcome === "duplicate") report[outcome]++;
        else {
          report.refused++;
          report.reasons[outcome] = (report.reasons[outcome] ?? 0) + 1;
        }
      }
    }
    return report;
  },
};

async function write(call: Call, text: string): Promise<string> {
  try {
    await call(notes.write, { text });
    return "accepted";
  } catch (error) {
    if (!isFault(error)) throw error;
    return error.code === "notes.taken" ? "duplicate" : error.code;
  }
}

export default defineConfig({
  title: "Notes",
  services: [notesService],
  importers: { lines },
  checks: [notes.verify],
  demo: async (call) => {
    const { id } = await call(notes.find, { text: "hello" });
    if (id !== null) return undefined;
    await call(notes.write, { text: "hello" }, { idempotencyKey: "demo:hello" });
    return "one note";
  },
  examples: ({ url, key }) => [`curl -H "Authorization: Bearer ${key}" ${url}/v1/tally`],
});

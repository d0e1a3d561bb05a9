// A process of its own that imports and may be killed: `node import-main.ts DATABASE_URL FILE`.
// Says `started`, then `posted` after each piece of the file, then the report as JSON.
import { createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { createPostgresStore } from "@banyan/sql-postgres";
import { importBerka } from "../src/index.ts";

const [url = "", file = ""] = process.argv.slice(2);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const app = createApp({ services: [ledgerService], store: createPostgresStore({ url }), deadlineMs: 20_000 });
await app.start();
say("started");
const report = await importBerka({
  files: [file],
  call: async (action, input, options) => {
    const answer = await app.call(action, input, options);
    if (action.name === "postBulk") say("posted");
    return answer;
  },
  signal: new AbortController().signal,
  progress: () => {},
});
say(JSON.stringify(report));
await app.stop();

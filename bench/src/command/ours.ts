import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { perSecond } from "../loops.ts";
import { notes, notesService } from "./notes.ts";

/** Versions are given out per key, so the writers share this many keys as a real service's share its entities. */
const AUTHORS = 1_000;
const body = "a note of some forty characters, as people write";

/** Called from outside as an edge would; `keyed` with an idempotency key of each caller's own. */
export async function open({ url, clients, keyed }: { url: string; clients: number; keyed: boolean }) {
  const app = createApp({ services: [notesService], store: createPostgresStore({ url }), validateOutput: false });
  await app.start();
  let last = 0;
  const write = async () => {
    const input = { author: `author ${last++ % AUTHORS}`, body };
    await app.call(notes.write, input, keyed ? { idempotencyKey: crypto.randomUUID() } : {});
    return 1;
  };
  return {
    written: () => app.call(notes.count, {}),
    rate: (durationMs: number) => perSecond(write, clients, durationMs),
  };
}

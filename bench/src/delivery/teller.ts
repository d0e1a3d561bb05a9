import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { publishAtPace } from "./ages.ts";
import { stream, streamService } from "./stream.ts";

/** The publisher alone, of what another process handles. */
export async function open({ url }: { url: string }) {
  const app = createApp({ services: [streamService], store: createPostgresStore({ url }), validateOutput: false });
  await app.start();
  return { steady: publishAtPace((message) => app.call(stream.send, message)) };
}

import type { Service } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { inject, onTestFinished } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { createPostgresStore } from "../../src/index.ts";

/** An application of one service on a database of its own; both end with the test. */
export async function started(service: Service): Promise<App> {
  const database = await createTestDatabase(inject("postgresUrl"));
  const app = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  onTestFinished(async () => {
    await app.stop();
    await database.drop();
  });
  await app.start();
  return app;
}

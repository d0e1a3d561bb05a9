import { createApiKeyAuthenticator, createGateway, hashApiKey } from "@banyan/gateway";
import { type App, createApp, systemIdentity } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { pino } from "pino";
import config from "../../../banyan.config.ts";
import { unlimited } from "./unlimited.ts";

/** Every service that `npm start` starts, in one process behind the gateway: a request pays for all who listen to what it does. */
export async function serveProject({ url, key }: { url: string; key: string }): Promise<{ app: App; address: string }> {
  const app = createApp({ services: config.services, store: createPostgresStore({ url }), validateOutput: false });
  await app.start();
  const gateway = createGateway({
    app,
    authenticator: createApiKeyAuthenticator([{ hash: hashApiKey(key), identity: systemIdentity }]),
    title: "bench",
    version: "0",
    port: 0,
    limits: unlimited,
    log: pino({ level: "fatal" }),
  });
  return { app, address: (await gateway.listen()).url };
}

import { createApiKeyAuthenticator, createGateway, hashApiKey } from "@banyan/gateway";
import { systemIdentity } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { pino } from "pino";
import config from "../../../banyan.config.ts";
import { unlimited } from "../http/unlimited.ts";
import { settled } from "./settled.ts";
import { openAccounts } from "./transfers.ts";

/** Every service that `npm start` starts, in one process behind the gateway: posting pays for all who listen to it. */
export async function open({ url, key }: { url: string; key: string }) {
  const app = createApp({ services: config.services, store: createPostgresStore({ url }), validateOutput: false });
  await app.start();
  await openAccounts(app);
  const gateway = createGateway({
    app,
    authenticator: createApiKeyAuthenticator([{ hash: hashApiKey(key), identity: systemIdentity }]),
    title: "bench",
    version: "0",
    port: 0,
    limits: unlimited,
    log: pino({ level: "fatal" }),
  });
  const { url: address } = await gateway.listen();
  return {
    address: () => address,
    /** What the last load left to be delivered would otherwise be measured with the next one. */
    settled: () => settled(app, url),
  };
}

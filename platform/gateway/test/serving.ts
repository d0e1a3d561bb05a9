import { connect } from "node:net";
import type { Identity } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import type { Store } from "@banyan/kernel/store";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import {
  createApiKeyAuthenticator,
  createGateway,
  type Gateway,
  type GatewayOptions,
  hashApiKey,
} from "../src/index.ts";
import { shopService } from "./shop.ts";

export const buyerKey = "buyer-key-0123456789-0123456789";
export const adminKey = "admin-key-0123456789-0123456789";
export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

const identity = (subject: string, ...permissions: string[]): Identity => ({
  subject,
  tenant: "acme",
  permissions: new Set(permissions),
});

export const keys = [
  { hash: hashApiKey(buyerKey), identity: identity("buyer", "shop:buy") },
  { hash: hashApiKey(adminKey), identity: identity("admin", "*") },
];

export interface Serving {
  readonly app: App;
  readonly gateway: Gateway;
  readonly url: string;
  readonly port: number;
  /** Lines of the log, parsed. */
  readonly logged: readonly Record<string, unknown>[];
  get(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

export interface ServingOptions extends Partial<GatewayOptions> {
  readonly services?: App["services"];
  readonly store?: Store;
  readonly validateOutput?: boolean;
  readonly logLevel?: string;
}

/** An application behind a gateway on a free port, closed with the test. */
export async function serve({
  services = [shopService],
  store,
  validateOutput = true,
  logLevel = "info",
  ...options
}: ServingOptions = {}): Promise<Serving> {
  const app = createApp({ services, validateOutput, report: () => {}, ...(store !== undefined && { store }) });
  await app.start();
  const logged: Record<string, unknown>[] = [];
  const log = pino(
    { level: logLevel },
    { write: (line: string) => logged.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const authenticator = createApiKeyAuthenticator(keys);
  const gateway = createGateway({ app, authenticator, title: "Shop", version: "1.2.3", port: 0, log, ...options });
  const { url, port } = await gateway.listen();
  onTestFinished(async () => {
    await gateway.close({ deadlineMs: 100 });
    await app.stop({ deadlineMs: 100 });
  });
  const get = (path: string, init?: RequestInit) => fetch(url + path, init);
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return { app, gateway, url, port, logged, get, post };
}

/** What a server answers to these bytes, until it closes or is quiet for `quietMs`. */
export function raw(
  port: number,
  bytes: string | Buffer,
  quietMs = 300,
): Promise<{ text: string; status: number; isClosed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let timer = setTimeout(() => finish(false), 5_000);
    const finish = (isClosed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), isClosed });
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      clearTimeout(timer);
      timer = setTimeout(() => finish(false), quietMs);
    });
    socket.on("close", () => finish(true));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? undefined : reject(error),
    );
    socket.write(bytes);
  });
}

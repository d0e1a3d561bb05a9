import { randomUUID } from "node:crypto";
import type { Identity } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { connect, createPostgresStore, statement } from "@banyan/sql-postgres";
import { ledgerService } from "../src/index.ts";

export interface OpenLedger {
  readonly app: App;
  /** Of its database, for another process of the same ledger. */
  readonly url: string;
  /** Runs SQL past the ledger, as somebody with a database client would. */
  run(text: string): Promise<Record<string, unknown>[]>;
  now(): number;
  /** Moves the ledger's clock; the queue's stays. */
  turn(ms: number): void;
  close(): Promise<void>;
}

/** A ledger of the test file's own, on its own database. */
export async function openLedger(server: string): Promise<OpenLedger> {
  const name = `ledger_${randomUUID().replaceAll("-", "")}`;
  const url = server.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
  await once(server, `CREATE DATABASE ${name}`);
  let turnedMs = 0;
  const now = () => Date.now() + turnedMs;
  const app = createApp({
    services: [ledgerService],
    store: createPostgresStore({ url }),
    deadlineMs: 20_000,
    clock: { now, monotonic: () => performance.now() },
  });
  await app.start();
  return {
    app,
    url,
    now,
    run: (text) => once(url, text),
    turn: (ms) => {
      turnedMs += ms;
    },
    close: async () => {
      await app.stop();
      await once(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Somebody of a tenant who may do all. */
export function ownerOf(tenant: string): Identity {
  return { subject: "test", tenant, permissions: new Set(["*"]) };
}

async function once(url: string, text: string): Promise<Record<string, unknown>[]> {
  const connection = await connect({ url });
  try {
    const [result] = await connection.run([statement(text)]);
    return result?.rows ?? [];
  } finally {
    await connection.close();
  }
}

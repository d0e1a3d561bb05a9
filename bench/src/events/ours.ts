import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { createPostgresDocuments } from "@banyan/documents-postgres";
import { createBasicAuthenticator, createGateway } from "@banyan/gateway";
import { createApp } from "@banyan/kernel/app";
import { createPostgresKv } from "@banyan/kv-postgres";
import { connect, createPostgresStore } from "@banyan/sql-postgres";
import { eventsService } from "@banyan/user-events-events";
import { events } from "@banyan/user-events-events/contract";
import { identifySource, intakeService } from "@banyan/user-events-intake";
import { sourcesService } from "@banyan/user-events-sources";
import { sources } from "@banyan/user-events-sources/contract";
import { pino } from "pino";
import { unlimited } from "../http/unlimited.ts";

/** User Events in one process behind the gateway, on Postgres alone, with a source. */
export async function open({ url }: { url: string }) {
  const app = createApp({
    services: [sourcesService, intakeService, eventsService],
    store: createPostgresStore({ url }),
    documents: createPostgresDocuments({ url, inStore: true }),
    kv: createPostgresKv({ url }),
    validateOutput: false,
  });
  await app.start();
  const id = `bench-${crypto.randomUUID().slice(0, 8)}`;
  const { writeKey } = await app.call(sources.create, { id });
  const gateway = createGateway({
    app,
    authenticator: createBasicAuthenticator(({ userName }) =>
      identifySource((action, input) => app.call(action, input), userName),
    ),
    title: "bench",
    version: "0",
    port: 0,
    limits: unlimited,
    log: pino({ level: "fatal" }),
  });
  const address = (await gateway.listen()).url;
  const holder = await connect({ url });
  // As many connections as a client has that means to reuse them.
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const tally = async () => (await app.call(events.tally, { source: id })).stored;
  return {
    address: () => address,
    authorization: () => `Basic ${btoa(`${writeKey}:`)}`,
    /** Waits until everything is stored, and answers how many events that are. */
    stored: async () => {
      await app.settled({ deadlineMs: 60_000 });
      return tally();
    },
    /** Lets nothing be stored for so long; between two such times a group goes from each lane. */
    holdUp: (durationMs: number) => {
      const hold = `LOCK TABLE events.act IN SHARE MODE; SELECT pg_sleep(${durationMs / 1_000})`;
      return holder.runScript(`BEGIN; ${hold}; COMMIT`);
    },
    residentMb: () => process.memoryUsage.rss() / 1_000_000,
    /** Milliseconds from the answer of 202 to the first answer that has the event, of every tenth of `count` events sent at a rate. */
    latencies: (count: number, perSecond: number) => latencies({ count, perSecond, send, isReadable }),
    close: async () => {
      await holder.close();
      await gateway.close();
      await app.stop();
    },
  };

  function send(messageId: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", authorization: `Basic ${btoa(`${writeKey}:`)}` };
      const sent = request(`${address}/v1/track`, { agent, method: "POST", headers }, (response) => {
        response.resume();
        if (response.statusCode === 202) response.on("end", resolve);
        else reject(new Error(`intake answered ${response.statusCode}`));
      });
      sent.on("error", reject);
      sent.end(JSON.stringify({ event: "Step", userId: messageId, messageId, properties: { step: 1 } }));
    });
  }

  async function isReadable(messageId: string): Promise<boolean> {
    return (await app.call(events.messages, { userId: messageId, limit: 1 })).events.length === 1;
  }
}

interface Paced {
  readonly count: number;
  readonly perSecond: number;
  send(messageId: string): Promise<void>;
  isReadable(messageId: string): Promise<boolean>;
}

/** Open loop: events leave at their time, whether or not those before them were answered. */
async function latencies({ count, perSecond, send, isReadable }: Paced): Promise<number[]> {
  const took: number[] = [];
  const name = crypto.randomUUID();
  const follow = async (number: number) => {
    await send(`${name}-${number}`);
    if (number % 10 > 0) return;
    const acceptedMs = performance.now();
    while (!(await isReadable(`${name}-${number}`))) await pause(1);
    took.push(performance.now() - acceptedMs);
  };
  const beganMs = performance.now();
  const following: Promise<void>[] = [];
  while (following.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - beganMs) / 1_000) * perSecond));
    while (following.length < due) following.push(follow(following.length));
    await pause(1);
  }
  await Promise.all(following);
  return took;
}

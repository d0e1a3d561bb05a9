import { type Area, autocannon, type Bench, type Wanted } from "../rounds.ts";
import type { Row } from "../row.ts";
import { type Load, measureInSlices, type Start } from "../slices.ts";
import { peer, type Running, type Subject, startSubject } from "../subject-process.ts";
import { checkUsers, post } from "./check-users.ts";

const CONNECTIONS = 50;

const subjects: Subject[] = [
  { id: "gateway", name: "ours", module: new URL("./ours.ts", import.meta.url) },
  { id: "fastify", name: "raw Fastify, own validation and serialiser", module: peer("http/fastify") },
  { id: "moleculer-web", name: "moleculer-web", module: peer("http/moleculer-web") },
  { id: "nest-fastify", name: "NestJS on Fastify", module: peer("http/nest-fastify") },
];

const cpu = { ours: "gateway", peer: "fastify", unit: "us of server CPU per request", better: "smaller" as const };
const rate = { ours: "gateway", unit: "requests/s", better: "larger" as const };
const wanted: Wanted[] = [
  { ...cpu, row: "GET to an action, server CPU", metric: "GET cpu", reach: 0.95 },
  { ...cpu, row: "validated POST to an action, server CPU", metric: "POST cpu", reach: 0.9 },
  { ...rate, row: "validated POST, rate", metric: "POST rate", peer: "moleculer-web", reach: 1.5 },
  { ...rate, row: "validated POST, rate", metric: "POST rate", peer: "nest-fastify", reach: 2 },
  { ...rate, row: "validated POST, rate", metric: "POST rate", peer: "fastify" },
  { ...rate, row: "GET, rate", metric: "GET rate", peer: "moleculer-web" },
  { ...rate, row: "GET, rate", metric: "GET rate", peer: "nest-fastify" },
  { ...rate, row: "GET, rate", metric: "GET rate", peer: "fastify" },
];

type Server = { running: Running; address: string };

/** The gateway's own cost: the same two routes without a database, server on one core and load generator on the other. */
export const httpArea: Area = {
  name: "http",
  about: "GET and validated POST without a database, beside raw Fastify, moleculer-web and NestJS on Fastify",
  async run(bench: Bench): Promise<Row[]> {
    const loading = await startSubject(autocannon, { core: 1, signal: bench.signal });
    const load = (name: "GET" | "POST", path: string, request: object): Load<Server> => {
      return async ({ running, address }, durationMs) => {
        const before = await running.ask<number>("cpuMicros");
        const options = { url: address + path, connections: CONNECTIONS, durationMs, ...request };
        const { perSecond, answers } = await loading.ask<{ perSecond: number; answers: number }>("load", options);
        const cpu = (await running.ask<number>("cpuMicros")) - before;
        return { [`${name} rate`]: perSecond, [`${name} cpu`]: cpu / answers };
      };
    };
    const open = async (subject: Subject, start: Start): Promise<Server> => {
      const running = await start(subject, 0);
      const address = await running.ask<string>("address");
      await checkUsers(address, subject.name);
      return { running, address };
    };
    try {
      const loads = [load("GET", "/users/42", {}), load("POST", "/users", post)];
      // Long enough that to open the connections is no part of it.
      const slices = { loads, warmMs: 2_500, sliceMs: 500 };
      return (await measureInSlices(bench, { subjects, open }, slices)).rows(wanted);
    } finally {
      await loading.stop();
    }
  },
};

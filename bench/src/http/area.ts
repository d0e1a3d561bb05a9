import type { Area, Bench, Loaded, Wanted } from "../rounds.ts";
import { measureUnderLoad } from "../rounds.ts";
import type { Row } from "../row.ts";
import { peer, type Subject } from "../subject-process.ts";
import { checkUsers } from "./check-users.ts";

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

/** The gateway's own cost: the same two routes without a database, server on one core and load generator on the other. */
export const httpArea: Area = {
  name: "http",
  about: "GET and validated POST without a database, beside raw Fastify, moleculer-web and NestJS on Fastify",
  async run(bench: Bench): Promise<Row[]> {
    const durationMs = bench.quick ? 300 : 2_500;
    const measure = async ({ running: server, loading }: Loaded, subject: Subject) => {
      const address = await server.ask<string>("address");
      const { post } = await checkUsers(address, subject.name);
      const load = async (url: string, request: object) => {
        const before = await server.ask<number>("cpuMicros");
        const options = { url, connections: CONNECTIONS, durationMs, ...request };
        const { perSecond, answers } = await loading.ask<{ perSecond: number; answers: number }>("load", options);
        const cpu = (await server.ask<number>("cpuMicros")) - before;
        return { rate: perSecond, cpu: cpu / answers };
      };
      await load(`${address}/users/42`, {});
      const get = await load(`${address}/users/42`, {});
      await load(`${address}/users`, post);
      const posted = await load(`${address}/users`, post);
      return { "GET rate": get.rate, "GET cpu": get.cpu, "POST rate": posted.rate, "POST cpu": posted.cpu };
    };
    const figures = await measureUnderLoad(bench, { subjects, core: 0 }, measure);
    return figures.rows(wanted);
  },
};

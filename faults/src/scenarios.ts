import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { LogMessage } from "@banyan/kernel/log";
import type { Span } from "./judge.ts";
import type { FakeClock } from "./machine/clock.ts";
import type { Direction, Namespace } from "./machine/namespace.ts";
import type { TcpProxy, Weather } from "./proxy.ts";
import type { Random } from "./random.ts";
import type { Stage, StageDisk } from "./stage.ts";
import { type Failpoint, failpoints, onlyByLog } from "./subject/failpoints.ts";
import type { Subject } from "./subject/subject.ts";

/** How long a process may take to pass a failpoint that it is armed with. */
const reachMs = 20_000;
const directions: readonly Direction[] = ["out", "in", "both"];
const fiveMinutes = 300;
const day = 86_400;
/** In seconds. */
const jumps = [fiveMinutes, -fiveMinutes, day, -day];
/** A process looks at its clock's file each second. */
const clockReadMs = 1_500;

/** Kills a process at each failpoint; answers the points that nobody passed in time. */
export async function killAtPoints(
  stage: Stage,
  random: Random,
  onKill: (point: Failpoint) => void,
): Promise<Failpoint[]> {
  const notReached: Failpoint[] = [];
  const points = stage.engine.name === "outbox" ? failpoints.filter((point) => !onlyByLog.has(point)) : failpoints;
  for (const point of points) {
    await untilAll(stage);
    const nth = point.startsWith("command") ? 1 + Math.floor(random() * 20) : 1 + Math.floor(random() * 3);
    const armed = stage.alive();
    await Promise.all(armed.map((subject) => subject.arm(point, nth).catch(() => {})));
    const died = await firstToDie(armed, reachMs);
    await Promise.all(armed.map((subject) => subject.disarm().catch(() => {})));
    if (died) onKill(point);
    else notReached.push(point);
  }
  return notReached;
}

async function firstToDie(subjects: readonly Subject[], limitMs: number): Promise<boolean> {
  const late = new AbortController();
  const ended = Promise.race(subjects.map((subject) => subject.ended)).then(() => true);
  const isDead = await Promise.race([ended, pause(limitMs, false, { signal: late.signal }).catch(() => false)]);
  late.abort();
  return isDead;
}

/** Kills the database's server, or the log's, and waits until it is back. */
export async function killServer(stage: Stage, random: Random): Promise<void> {
  const { logServer, postgres } = stage;
  if (logServer !== undefined && random() < 0.5) {
    await logServer.kill();
    await pause(random() * 500);
    await logServer.start();
    return;
  }
  const { pid } = postgres;
  process.kill(pid, "SIGKILL");
  for (let tries = 0; tries < 600 && postgres.pid === pid; tries++) await pause(50);
}

/** Stops a process, which then goes on as if nothing had been. */
export async function pauseProcess(stage: Stage, random: Random, lengthMs: number): Promise<void> {
  await untilAll(stage);
  const alive = stage.alive();
  const subject = alive[Math.floor(random() * alive.length)];
  subject?.kill("SIGSTOP");
  await pause(lengthMs);
  subject?.kill("SIGCONT");
}

/** Asks a process to end, as a deployment does, and waits until another stands in its place. */
export async function restartProcess(stage: Stage, random: Random): Promise<void> {
  await untilAll(stage);
  const alive = stage.alive();
  const subject = alive[Math.floor(random() * alive.length)];
  subject?.kill("SIGTERM");
  await subject?.ended;
  await untilAll(stage);
}

/** Makes the network to a server bad for a while. */
export async function spoilNetwork(stage: Stage, random: Random, lengthMs: number): Promise<void> {
  const weathers: readonly Weather[] = [
    { kind: "silent", direction: "to" },
    { kind: "silent", direction: "from" },
    { kind: "silent", direction: "both" },
    { kind: "slow", delayMs: 30 },
    { kind: "resets", probability: 0.02 },
  ];
  const proxy = stage.proxies[Math.floor(random() * stage.proxies.length)] as TcpProxy;
  proxy.set(weathers[Math.floor(random() * weathers.length)] as Weather);
  await pause(lengthMs);
  proxy.set({ kind: "clear" });
}

/** Cuts a process's network in one direction, or both, and mends it: packets are lost, connections are not. */
export async function cutProcess(stage: Stage, random: Random, lengthMs: number): Promise<void> {
  const { namespaces } = stage;
  const namespace = namespaces[Math.floor(random() * namespaces.length)] as Namespace;
  await namespace.cut(directions[Math.floor(random() * directions.length)] as Direction);
  await pause(lengthMs);
  await namespace.mend();
}

/** Fills a server's disk to the last page, keeps it so, and makes room again. Answers how many processes of the application ended of it. */
export async function fillDisk(stage: Stage, { disk, server }: StageDisk, lengthMs: number): Promise<number> {
  await untilAll(stage);
  const before = stage.alive();
  for (const end = performance.now() + lengthMs; performance.now() < end; await pause(100)) disk.fill();
  const ended = before.filter(({ isAlive }) => !isAlive).length;
  disk.free();
  // Kafka has ended by now, and RabbitMQ's quorum queues have, beneath listeners that go on: whoever runs them starts them again.
  await server?.kill();
  await server?.start();
  return ended;
}

/** Sets a process's clock far away, and back. Answers from when to when, by the database's clock. */
export async function jumpClock(stage: Stage, random: Random, lengthMs: number): Promise<Span> {
  await untilAll(stage);
  const { clocks } = stage;
  const from = await stage.now();
  const clock = clocks[Math.floor(random() * clocks.length)] as FakeClock;
  clock.set(jumps[Math.floor(random() * jumps.length)] as number);
  await pause(Math.max(lengthMs, clockReadMs));
  clock.set(0);
  await pause(clockReadMs);
  return { from, to: await stage.now() };
}

/**
 * Puts into the log what nobody should: events that are there already, out of order, up to four times more; envelopes cut short, envelopes of
 * another message, and bytes that are none. Answers how many.
 */
export async function plant(stage: Stage, random: Random): Promise<number> {
  const log = await stage.engine.openLog(stage.logUrl, stage.options.namespace);
  if (log === undefined) return 0;
  await log.open({ signal: AbortSignal.timeout(10_000) });
  const there: LogMessage[] = [];
  if (log.traits.replayable) {
    const pages = log.read({ types: ["register.added"], since: 0, signal: AbortSignal.timeout(30_000) });
    for await (const page of pages) there.push(...page);
  }
  const again = there.slice(-200).flatMap((message) => Array<LogMessage>(1 + Math.floor(random() * 4)).fill(message));
  const shuffled = again.map((message) => ({ message, at: random() })).sort((a, b) => a.at - b.at);
  const bad = there.slice(-20).flatMap(({ type, key, body }): LogMessage[] => [
    { id: randomUUID(), type, key, body: body.subarray(0, Math.floor(body.length * random())) },
    { id: randomUUID(), type, key, body },
  ]);
  const none: LogMessage = { id: randomUUID(), type: "register.added", key: "a", body: Uint8Array.of(0xff, 0, 1) };
  const planted = [...shuffled.map(({ message }) => message), ...bad, none];
  await log.append(planted);
  await log.close({ deadlineMs: 5_000 });
  return planted.length;
}

/** Waits until every process serves. */
export async function untilAll(stage: Stage): Promise<void> {
  for (let tries = 0; stage.alive().length < stage.subjects.length; tries++) {
    if (tries > 1_200) throw new Error("a process does not start again");
    await pause(50);
  }
}

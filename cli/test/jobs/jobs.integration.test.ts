import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { removeKeys } from "../../../tools/remove-keys.ts";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { describeWithServer } from "../../../tools/test-server.ts";

const leaseMs = 800;
const patience = { timeout: 15_000, interval: 20 };
const module = fileURLToPath(new URL("./crew-process.ts", import.meta.url));

interface Effect {
  readonly job: string;
  readonly note: string;
  readonly pid: number;
  readonly attempt: number;
  readonly at: Date;
}

/** The promises of jobs over processes, whichever hands the jobs out. */
function suite(redisUrl: string | undefined): void {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let client: Client;
  let redis: { readonly url: string; readonly namespace: string } | undefined;
  const members: ChildProcess[] = [];
  beforeEach(async () => {
    database = await createTestDatabase(inject("postgresUrl"));
    client = new Client({ connectionString: database.url });
    await client.connect();
    redis = redisUrl === undefined ? undefined : { url: redisUrl, namespace: `test-${randomUUID()}` };
  });
  afterEach(async () => {
    for (const member of members
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      member.kill("SIGKILL");
      await once(member, "exit");
    }
    if (redis !== undefined) await removeKeys(redis.url, redis.namespace);
    await client.end();
    await database.drop();
  });

  async function member(): Promise<ChildProcess> {
    const child = fork(module, [JSON.stringify({ url: database.url, leaseMs, redis })]);
    members.push(child);
    const started = heard(child, (message) => message.started === true);
    const [ended] = await Promise.race([started.then(() => [undefined]), once(child, "exit")]);
    if (ended !== undefined) throw new Error(`a process ended with ${ended} before it had started`);
    return child;
  }
  const ask = async (child: ChildProcess, call: string, input: unknown = {}) => {
    const answered = heard(child, (message) => message.answered === call);
    child.send({ call, input });
    await answered;
  };
  const effects = async (note: string): Promise<Effect[]> =>
    (await client.query("SELECT * FROM crew.effect WHERE note = $1 ORDER BY place", [note])).rows;

  test("a job whose process is killed runs elsewhere within two leases, and has one effect", {
    timeout: 40_000,
  }, async () => {
    const [first, second] = [await member(), await member()];
    const begun = beginner("killed", first, second);
    await ask(first, "add", { note: "killed", ms: 1_000 });
    const victim = await begun;
    victim.kill("SIGKILL");
    const killedAt = performance.now();
    await beginner("killed", victim === first ? second : first);
    // Beside two leases: what a look for free jobs may be late.
    expect(performance.now() - killedAt).toBeLessThan(2 * leaseMs + 2_500);
    await expect.poll(() => effects("killed"), patience).toMatchObject([{ attempt: 2 }]);
  });

  test("a process that stood still beyond its lease cannot commit what another has done", {
    timeout: 40_000,
  }, async () => {
    const [first, second] = [await member(), await member()];
    const begun = beginner("stale", first, second);
    await ask(first, "add", { note: "stale", ms: 500 });
    const victim = await begun;
    const other = victim === first ? second : first;
    victim.kill("SIGSTOP");
    await expect.poll(() => effects("stale"), patience).toMatchObject([{ attempt: 2, pid: other.pid }]);
    victim.kill("SIGCONT");
    // Once it answers it has gone on for longer than the rest of its run.
    await ask(victim, "add", { note: "after", ms: 600 });
    await expect.poll(() => effects("after"), patience).toHaveLength(1);
    expect(await effects("stale")).toMatchObject([{ attempt: 2, pid: other.pid }]);
  });

  test("each turn of a schedule runs once in three processes, also while the first of them dies", {
    timeout: 40_000,
  }, async () => {
    const [first] = [await member(), await member(), await member()];
    await expect.poll(async () => (await effects("tick")).length, patience).toBeGreaterThan(3);
    first.kill("SIGKILL");
    const killed = (await effects("tick")).length;
    await expect.poll(async () => (await effects("tick")).length, patience).toBeGreaterThan(killed + 6);
    const turns = (await effects("tick")).map(({ job }) => job);
    expect(new Set(turns).size).toBe(turns.length);
    for (const turn of turns) expect(new Date(turn.slice("crew.tick@".length)).getTime() % 250).toBe(0);
  });

  test("a limit of the rate holds over processes", { timeout: 40_000 }, async () => {
    const [first] = [await member(), await member()];
    await ask(first, "send", { count: 14 });
    await expect.poll(async () => (await effects("limited")).length, patience).toBe(14);
    const at = (await effects("limited")).map((effect) => effect.at.getTime()).sort((a, b) => a - b);
    // What a second may hold: the bucket, or at a window's border two of them.
    for (const from of at) expect(at.filter((one) => one >= from && one < from + 900).length).toBeLessThanOrEqual(10);
    expect((at.at(-1) as number) - (at[0] as number)).toBeGreaterThan(1_500);
  });

  test("a paused type begins nowhere until it is resumed, then by priority, one at a time", {
    timeout: 40_000,
  }, async () => {
    const [first, second] = [await member(), await member()];
    await ask(first, "pause", "crew.single");
    await ask(second, "rank");
    await ask(second, "add", { note: "meanwhile" });
    await expect.poll(() => effects("meanwhile"), patience).toHaveLength(1);
    const count = "SELECT count(*)::int AS n FROM crew.effect WHERE note IN ('low', 'normal', 'high')";
    expect((await client.query(count)).rows).toEqual([{ n: 0 }]);
    await ask(second, "resume", "crew.single");
    await expect.poll(async () => (await client.query(count)).rows, patience).toEqual([{ n: 3 }]);
    const { rows } = await client.query(
      "SELECT note FROM crew.effect WHERE note <> 'tick' AND note <> 'meanwhile' ORDER BY place",
    );
    expect(rows.map(({ note }) => note)).toEqual(["high", "normal", "low"]);
  });

  test("jobs that come after one another run in that order", { timeout: 40_000 }, async () => {
    const [first] = [await member(), await member()];
    await ask(first, "chain");
    await expect.poll(() => effects("third"), patience).toHaveLength(1);
    const { rows } = await client.query("SELECT note FROM crew.effect WHERE note <> 'tick' ORDER BY place");
    expect(rows.map(({ note }) => note)).toEqual(["first", "second", "third"]);
  });

  test("a process that is told to stop hands back what it cannot finish, and no attempt is counted", {
    timeout: 40_000,
  }, async () => {
    const [first, second] = [await member(), await member()];
    const begun = beginner("long", first, second);
    await ask(first, "add", { note: "long", ms: 2_500 });
    const leaving = await begun;
    const left = once(leaving, "exit");
    leaving.kill("SIGTERM");
    expect(await left).toEqual([0, null]);
    const staying = leaving === first ? second : first;
    await expect.poll(() => effects("long"), patience).toMatchObject([{ attempt: 1, pid: staying.pid }]);
  });
}

/** The one of the processes that begins the job first. */
function beginner(note: string, ...children: ChildProcess[]): Promise<ChildProcess> {
  const begun = async (child: ChildProcess) => {
    await heard(child, (message) => "begun" in message && message.note === note);
    return child;
  };
  return Promise.race(children.map(begun));
}

type Message = Readonly<Record<string, unknown>>;

function heard(child: ChildProcess, wanted: (message: Message) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const listen = (message: unknown) => {
      if (!wanted(message as Message)) return;
      child.off("message", listen);
      resolve();
    };
    child.on("message", listen);
  });
}

describe("jobs handed out by PostgreSQL", () => suite(undefined));
describeWithServer("redis", "jobs handed out by BullMQ on Redis", suite);

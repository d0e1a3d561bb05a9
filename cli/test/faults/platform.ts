import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const banyan = fileURLToPath(new URL("../../bin/banyan.mjs", import.meta.url));
const key = "key-of-the-fault-tests-0123456789";
/** A start on a busy machine that first recovers what the last one left. */
const readyMs = 120_000;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `banyan start` of one project, at one address through all its lives. */
export interface Platform {
  readonly folder: string;
  readonly url: string;
  readonly key: string;
  /** Of the process that serves now. */
  readonly pid: number;
  /** Everything that all lives said, for the day when a test fails. */
  readonly said: () => string;
  /** Starts it and resolves when it says that it is ready. Throws with its words where it ends instead. */
  start(): Promise<void>;
  /** Starts it and kills it after `ms`, ready or not. */
  startAndKill(ms: number): Promise<void>;
  /** `kill -9`, and waits until the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
  /** Whether the process of the last start still runs. */
  isRunning(): boolean;
  /** Runs another command of the project to its end. */
  run(...args: string[]): Promise<Outcome>;
  residentBytes(): number;
  /** Of the embedded server, as it says itself; undefined while none is there. */
  postmasterPid(): number | undefined;
  /** For SQL beside the platform. */
  databaseUrl(): Promise<string>;
  remove(): Promise<void>;
}

/** A project whose configuration is that of `configFile`, not started yet. */
export async function createPlatform(configFile: URL): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), "banyan faults "));
  writeFileSync(join(folder, "banyan.config.ts"), `export { default } from ${JSON.stringify(configFile.href)};\n`);
  const port = await freePort();
  const environment = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    NO_COLOR: "1",
    PORT: String(port),
    BANYAN_API_KEY: key,
  };
  let child: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();
  let pid = 0;
  let said = "";

  const launch = (): ChildProcess => {
    const launched = spawn(process.execPath, [banyan, "start", "--json"], { cwd: folder, env: environment });
    child = launched;
    pid = launched.pid as number;
    exited = once(launched, "exit");
    launched.stderr.on("data", (chunk) => {
      // Refused requests are one line each, and part of the plan.
      const telling = String(chunk)
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith('{"level":30'));
      said = [said, ...telling].join("\n").slice(-20_000);
    });
    return launched;
  };
  const kill = async () => {
    // The one that serves is a child of the one launched where this Node is not the pinned one.
    for (const one of new Set([pid, child?.pid]))
      if (one !== undefined && child?.exitCode === null) signalTo(one, "SIGKILL");
    await exited;
  };
  return {
    folder,
    url: `http://127.0.0.1:${port}`,
    key,
    get pid() {
      return pid;
    },
    said: () => said,
    async start() {
      const launched = launch();
      const gaveUp = new AbortController();
      const line = await Promise.race([
        once(createInterface({ input: launched.stdout! }), "line").then(([first]) => first as string),
        exited.then(() => undefined),
        sleep(readyMs, undefined, { signal: gaveUp.signal }),
      ]);
      gaveUp.abort();
      if (line === undefined) throw new Error(`banyan start did not get ready:\n${said}`);
      const ready = JSON.parse(line) as { url: string; pid: number };
      if (!ready.url.endsWith(`:${port}`)) throw new Error(`it moved to ${ready.url}`);
      pid = ready.pid;
    },
    async startAndKill(ms) {
      launch().stdout?.resume();
      await sleep(ms);
      await kill();
    },
    kill,
    async stop() {
      child?.kill("SIGTERM");
      await exited;
      return child?.exitCode ?? null;
    },
    isRunning: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    async run(...args) {
      const ran = spawn(process.execPath, [banyan, ...args], { cwd: folder, env: environment });
      const [stdout, stderr, [code]] = await Promise.all([text(ran.stdout), text(ran.stderr), once(ran, "exit")]);
      return { code, stdout, stderr };
    },
    residentBytes: () => Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * 1_024,
    postmasterPid: () => postmasterPid(folder),
    async databaseUrl() {
      const { databaseUrl } = JSON.parse(readFileSync(join(folder, ".banyan/server.json"), "utf8")) as {
        databaseUrl: string;
      };
      return databaseUrl;
    },
    async remove() {
      if (child !== undefined) await kill();
      // Its database notices a moment later, and writes until then.
      await until("the database ends with its owner", () => !isAlive(postmasterPid(folder)));
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}

/** Asks until `holds`, as long as there is hope. Throws with `what` after two minutes. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`did not come about within ${limitMs} ms: ${what}`);
    await sleep(20);
  }
}

function isAlive(pid: number | undefined): boolean {
  return pid !== undefined && signalTo(pid, 0);
}

function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function postmasterPid(folder: string): number | undefined {
  try {
    const lines = readFileSync(join(folder, ".banyan/postgres/cluster/postmaster.pid"), "utf8").split("\n");
    return lines[7]?.trim() === "ready" ? Number(lines[0]) : undefined;
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const banyan = fileURLToPath(new URL("../cli/bin/banyan.mjs", import.meta.url));

interface Ready {
  readonly url: string;
  readonly pid: number;
  readonly apiKey?: string;
  readonly notes: readonly string[];
  readonly steps: readonly { readonly name: string; readonly detail: string }[];
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningServer {
  readonly ready: Ready;
  readonly child: ChildProcess;
  /** Resolves with the exit code; null when a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  stdoutLine(): Promise<string>;
  /** Waits for a line that matches. */
  stderrLine(pattern: RegExp): Promise<string>;
}

export interface TestProject {
  readonly folder: string;
  /** Runs `banyan ARGS…` in the project as a user would, to its end. */
  run(...args: string[]): Promise<Outcome>;
  /** Runs `banyan ARGS…` and reads what it prints line by line. */
  launch(...args: string[]): Launched;
  /** Runs `banyan start --json ARGS…` until it says that it is ready. */
  start(
    environment?: Record<string, string>,
    args?: readonly string[],
    over?: LaunchOptions["over"],
  ): Promise<RunningServer>;
  remove(): Promise<void>;
}

/** A project of its own, in a folder whose path holds spaces, with the configuration that `configFile` exports. */
export function createTestProject(configFile: URL): TestProject {
  const folder = mkdtempSync(join(tmpdir(), "banyan cli test "));
  writeFileSync(join(folder, "banyan.config.ts"), `export { default } from ${JSON.stringify(configFile.href)};\n`);
  const servers = new Set<RunningServer>();
  return {
    folder,
    async run(...args) {
      const child = launch(folder, args);
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout!),
        text(child.stderr!),
        once(child, "exit"),
      ]);
      return { code, stdout, stderr };
    },
    launch(...args) {
      const child = launch(folder, args);
      const stdout = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
      const stderr = createInterface({ input: child.stderr! })[Symbol.asyncIterator]();
      return {
        child,
        exitCode: once(child, "exit").then(([code]) => code),
        stdoutLine: async () => (await stdout.next()).value ?? "",
        async stderrLine(pattern) {
          for (;;) {
            const { value, done } = await stderr.next();
            if (done) throw new Error(`it ended without saying ${pattern}`);
            if (pattern.test(value)) return value;
          }
        },
      };
    },
    async start(environment = {}, args = [], over) {
      const child = launch(folder, ["start", "--json", ...args], {
        environment: { PORT: "0", ...environment },
        ...(over !== undefined && { over }),
      });
      const exited = once(child, "exit");
      let stderr = "";
      child.stderr!.on("data", (chunk) => {
        stderr += chunk;
      });
      const line = await Promise.race([
        once(createInterface({ input: child.stdout! }), "line"),
        exited.then(() => undefined),
      ]);
      if (line === undefined) throw new Error(`banyan start ended:\n${stderr}`);
      const server: RunningServer = {
        ready: JSON.parse(line[0]),
        child,
        async stop(signal = "SIGTERM") {
          servers.delete(server);
          child.kill(signal);
          const [code] = await exited;
          return code;
        },
      };
      servers.add(server);
      return server;
    },
    async remove() {
      for (const server of servers) await server.stop();
      await removeFolder(folder);
    },
  };
}

/** Another program on a port of its own. */
export async function occupyPort(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

function launch(cwd: string, args: readonly string[], { environment = {}, over }: LaunchOptions = {}): ChildProcess {
  // What the machine or the test runner has set must not reach the command.
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, NO_COLOR: "1", ...environment };
  return spawn(process.execPath, [banyan, ...args], { cwd, env, stdio: ["pipe", "pipe", "pipe", over] });
}

interface LaunchOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** With a channel between the processes, as from a machine whose Node is not the pinned one. */
  readonly over?: "ipc";
}

/** After the database server, which outlives a killed process for a moment, and writes. */
async function removeFolder(folder: string): Promise<void> {
  const untilMs = Date.now() + 20_000;
  while (existsSync(join(folder, ".banyan/postgres/cluster/postmaster.pid")) && Date.now() < untilMs) await sleep(50);
  rmSync(folder, { recursive: true, force: true });
}

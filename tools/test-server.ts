import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { connect, createServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, test } from "vitest";

/** A server of ../shared/infra. */
type Server = "nats" | "redis";

/** Where its program may lie below a folder of ../shared/infra, or on the PATH. */
const programs: Record<Server, string> = { nats: "nats-*/nats-server", redis: "redis-server" };

/**
 * A suite on the real server that BANYAN_TEST_<SERVER> names. Without one it is skipped, by a name that says how to start
 * it; CI starts it, and takes such a skip for a failure.
 */
export function describeWithServer(server: Server, title: string, suite: (url: string) => void): void {
  const variable = `BANYAN_TEST_${server.toUpperCase()}`;
  const url = process.env[variable];
  if (url) describe(title, () => suite(url));
  else test.skipIf(true)(`${title} (needs ${variable}: eval "$(../shared/infra/up ${server})")`, () => {});
}

/** A suite on servers that it starts, stops and kills itself, with the program of the server that others share. */
export function describeWithOwnServer(server: Server, title: string, suite: (program: string) => void): void {
  const variable = `BANYAN_TEST_${server.toUpperCase()}`;
  const program = process.env[variable] ? programOf(server) : undefined;
  if (program) describe(title, () => suite(program));
  else test.skipIf(true)(`${title} (needs the program and ${variable} of ../shared/infra/up ${server})`, () => {});
}

function programOf(server: Server): string | undefined {
  const caches = [process.env.BANYAN_INFRA_DIR, "/var/cache/banyan-infra", join(homedir(), ".cache/banyan-infra")];
  const folders = caches.flatMap((folder) => (folder === undefined ? [] : [join(folder, "programs")]));
  const name = programs[server].replace(/.*\//, "");
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  const [program] = globSync([...folders.map((folder) => join(folder, programs[server])), ...onPath]);
  return program;
}

/** A server's process that belongs to one test. */
export class OwnServer {
  readonly port: number;
  private readonly program: string;
  private readonly args: (port: number) => readonly string[];
  private child: ChildProcess | null = null;

  private constructor(program: string, args: (port: number) => readonly string[], port: number) {
    this.program = program;
    this.args = args;
    this.port = port;
  }

  static async start(program: string, args: (port: number) => readonly string[]): Promise<OwnServer> {
    const server = new OwnServer(program, args, await freePort());
    await server.restart();
    return server;
  }

  /** On the port that it had. Resolves when it accepts connections. */
  async restart(): Promise<void> {
    this.child = spawn(this.program, this.args(this.port), { stdio: "ignore" });
    for (let tries = 0; !(await accepts(this.port)); tries++) {
      if (tries > 200 || this.child.exitCode !== null) throw new Error(`${this.program} does not start`);
      await delay(25);
    }
  }

  /** SIGKILL. Idempotent. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  pause(): void {
    this.child?.kill("SIGSTOP");
  }

  resume(): void {
    this.child?.kill("SIGCONT");
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

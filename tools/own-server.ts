import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A server of ../shared/infra whose program can be run for oneself as well. */
export type OwnServerName = "nats" | "redis" | "kafka";

/** Where its program may lie below a folder of ../shared/infra; the last part is its name on the PATH. */
const programs: Record<OwnServerName, string> = {
  nats: "nats-*/nats-server",
  redis: "redis-server",
  kafka: "kafka/*/kafka_*.jar",
};
const startTries = 1_200;

/** The program of a server: as ../shared/infra installed it, or from the PATH. Undefined where it is in neither. */
export function programOf(server: OwnServerName): string | undefined {
  const caches = [process.env.BANYAN_INFRA_DIR, "/var/cache/banyan-infra", join(homedir(), ".cache/banyan-infra")];
  const folders = caches.flatMap((folder) => (folder === undefined ? [] : [join(folder, "programs")]));
  const name = programs[server].replace(/.*\//, "");
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  const [program] = globSync([...folders.map((folder) => join(folder, programs[server])), ...onPath]);
  return program;
}

/** A server's process on a port of its own, of a test or a measurement. */
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
      if (tries > startTries || this.child.exitCode !== null) throw new Error(`${this.program} does not start`);
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

  /** CPU time that it has used, in microseconds, by ticks of 10 ms; 0 where there is no /proc. */
  cpuMicros(): number {
    try {
      // proc_pid_stat(5): utime and stime are the 14th and 15th field; the name before them may contain spaces.
      const [, afterName = ""] = readFileSync(`/proc/${this.child?.pid}/stat`, "utf8").split(") ");
      const fields = afterName.split(" ");
      return (Number(fields[11]) + Number(fields[12])) * 10_000;
    } catch {
      return 0;
    }
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

import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { undoneAtExit } from "./machine/leftovers.ts";
import { SmallDisk } from "./machine/small-disk.ts";

const run = promisify(execFile);
const { BANYAN_INFRA_DIR, XDG_CACHE_HOME } = process.env;
const caches = process.getuid?.() === 0 ? "/var/cache" : XDG_CACHE_HOME || join(homedir(), ".cache");
/** How long processes may take to end once they are killed. */
const endMs = 30_000;

/** The programs that run servers, and where they keep what those store, print and are known by. */
export interface Infra {
  readonly programs: string;
  readonly home: string;
}

const shared: Infra = {
  programs: fileURLToPath(new URL("../../../shared/infra", import.meta.url)),
  home: BANYAN_INFRA_DIR || join(caches, "banyan-infra"),
};

/** A server that stands beside the checkout, to be killed and started again. */
export class LogServer {
  readonly name: string;
  private readonly infra: Infra;
  private forget = () => {};

  private constructor(name: string, infra: Infra) {
    this.name = name;
    this.infra = infra;
  }

  /** Undefined where the programs that kill and start it are not here. */
  static of(name: string, infra: Infra = shared): LogServer | undefined {
    const isHere = ["kill", "up"].every((program) => existsSync(join(infra.programs, program)));
    return isHere ? new LogServer(name, infra) : undefined;
  }

  /** Begins anew on a small disk, until that is left: then what it stored before is there again. */
  async moveTo(megabytes: number): Promise<SmallDisk> {
    await this.kill();
    // Else it would go on upon a disk that nobody finds any more.
    this.forget = undoneAtExit(() => void spawnSync(join(this.infra.programs, "kill"), [this.name]));
    const disk = SmallDisk.over(join(this.infra.home, "data", this.name), megabytes);
    try {
      await this.start();
    } catch (error) {
      await this.leave(disk);
      throw error;
    }
    return disk;
  }

  /** Also when it does not end, or the disk does not go, the rest is done. */
  async leave(disk: SmallDisk): Promise<void> {
    await using steps = new AsyncDisposableStack();
    steps.defer(() => this.start());
    steps.defer(this.forget);
    steps.defer(() => disk.close());
    steps.defer(() => this.kill());
  }

  /** SIGKILL of every process of it that there is; resolves when none is left. */
  async kill(): Promise<void> {
    const session = this.session();
    const failure = await this.tell("kill").catch((error: Error) => error);
    // `kill` goes by the port. RabbitMQ closes that first where it has time for a crash dump, and is then still taken by `up` for a server that runs.
    for (const end = performance.now() + endMs; await isThere(session); await pause(20)) {
      if (performance.now() < end) continue;
      throw failure ?? new Error(`${this.name} was killed, and has not ended within ${endMs / 1_000} s`);
    }
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    await this.tell("up");
  }

  /** The session of its processes, by the pid of its leader; undefined where it was never started, or was taken down. */
  private session(): string | undefined {
    const file = join(this.infra.home, "run", `${this.name}.pid`);
    return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
  }

  private async tell(program: "kill" | "up"): Promise<void> {
    // A server keeps the folder that it is started in; the checkout may go.
    const options = { cwd: this.infra.programs };
    try {
      await run(join(this.infra.programs, program), [this.name], options);
    } catch (error) {
      const log = join(this.infra.home, "log", `${this.name}.log`);
      const { stdout: end } = await run("tail", ["-n", "100", log]).catch(() => ({ stdout: "There is none.\n" }));
      throw new Error(`${(error as Error).message}\nThe end of ${log}:\n${end}`, { cause: error });
    }
  }
}

/** Whether anything of it runs. The first thread of a process may be a zombie while others still hold its files. */
async function isThere(session: string | undefined): Promise<boolean> {
  if (!session) return false;
  // It exits with 1 when it finds none.
  const { stdout } = await run("ps", ["-s", session, "-o", "stat="]).catch(() => ({ stdout: "" }));
  return stdout.split("\n").some((state) => state !== "" && (!state.startsWith("Z") || state.includes("l")));
}

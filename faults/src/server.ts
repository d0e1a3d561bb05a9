import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SmallDisk } from "./machine/small-disk.ts";

const infra = fileURLToPath(new URL("../../../shared/infra/", import.meta.url));
const run = promisify(execFile);
/** Where ../shared/infra keeps what the servers store, for root. */
const data = join(process.env.BANYAN_INFRA_DIR ?? "/var/cache/banyan-infra", "data");

/** A server that stands beside the checkout, to be killed and started again. */
export class LogServer {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Undefined where the programs that kill and start it are not here. */
  static of(name: string): LogServer | undefined {
    return existsSync(`${infra}kill`) && existsSync(`${infra}up`) ? new LogServer(name) : undefined;
  }

  /** Begins anew on a small disk, until that is left: then what it stored before is there again. */
  async moveTo(megabytes: number): Promise<SmallDisk> {
    await this.kill();
    const disk = SmallDisk.over(join(data, this.name), megabytes);
    await this.start();
    return disk;
  }

  async leave(disk: SmallDisk): Promise<void> {
    // It may have ended by itself.
    await this.kill().catch(() => {});
    disk.close();
    await this.start();
  }

  /** SIGKILL of every process of it. */
  async kill(): Promise<void> {
    await run(`${infra}kill`, [this.name]);
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    await run(`${infra}up`, [this.name]);
  }
}

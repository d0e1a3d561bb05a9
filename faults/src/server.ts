import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const infra = fileURLToPath(new URL("../../../shared/infra/", import.meta.url));
const run = promisify(execFile);

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

  /** SIGKILL of every process of it. */
  async kill(): Promise<void> {
    await run(`${infra}kill`, [this.name]);
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    await run(`${infra}up`, [this.name]);
  }
}

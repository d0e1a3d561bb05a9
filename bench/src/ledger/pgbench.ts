import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

/** pgbench's TPC-B-like transaction with prepared statements: the yardstick of what this server does in this minute. */
export function open({ pgbench, url }: { pgbench: string; url: string }) {
  return {
    /** Fills its tables anew, at scale 10. */
    init: () => run(["-i", "-q", "-s", "10"]),
    /** Transactions per second, connecting apart. pgbench counts in whole seconds. */
    async rate(clients: number, durationMs: number): Promise<number> {
      const threads = Math.min(clients, availableParallelism());
      const seconds = Math.max(1, Math.round(durationMs / 1_000));
      const output = await run(["-n", "-M", "prepared", "-c", `${clients}`, "-j", `${threads}`, "-T", `${seconds}`]);
      const [, tps] = /tps = ([\d.]+)/.exec(output) ?? [];
      if (tps === undefined) throw new Error(`pgbench printed no rate:\n${output}`);
      return Number(tps);
    },
  };

  async function run(args: string[]): Promise<string> {
    const child = spawn(pgbench, [...args, url], { stdio: ["ignore", "pipe", "pipe"] });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => output.push(text));
    const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
    if (code !== 0) throw new Error(`pgbench ${args.join(" ")} ended with ${code}:\n${output.join("")}`);
    return output.join("");
  }
}

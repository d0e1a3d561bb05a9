import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandFailure } from "../failure.ts";
import { locateConfig } from "../project/config.ts";

/** Runs the checkout's benchmarks with the arguments as they are; they print, and their exit code is ours. */
export async function bench(args: readonly string[], { json }: { readonly json?: boolean }): Promise<void> {
  const main = join(dirname(locateConfig()), "bench/src/main.ts");
  if (!existsSync(main)) {
    throw new CommandFailure(
      `There are no benchmarks: ${main} does not exist.`,
      "Run this inside a checkout of Banyan.",
    );
  }
  const child = spawn(process.execPath, [main, ...args, ...(json ? ["--json"] : [])], { stdio: "inherit" });
  process.on("SIGINT", () => {}).on("SIGTERM", () => child.kill("SIGTERM"));
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject).once("exit", (code) => resolve(code ?? 1));
  });
}

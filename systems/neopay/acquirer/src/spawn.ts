import { spawn } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Acquirer, AcquirerOptions } from "./server.ts";

/** Starts an acquirer in a process of its own, which ends with `close` or with this one. */
export async function spawnAcquirer({ port, file, lateMs, chaos }: AcquirerOptions = {}): Promise<Acquirer> {
  const given = { port, file, late: lateMs, chaos: chaos && `${chaos.seed}:${chaos.permille}` };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, `${value}`],
  );
  // As this file is: compiled, in a tarball.
  const main = fileURLToPath(new URL(`main${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...flags], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, "line"),
    ended.then(([code]) => {
      throw new Error(`the acquirer ended with ${code} before it listened`);
    }),
  ])) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { withPostgres } from "../postgres.ts";
import { type Area, type Bench, Figures, type Wanted } from "../rounds.ts";

const READY_TIMEOUT_MS = 60_000;
const KIB_PER_MB = 1_000_000 / 1_024;
const root = fileURLToPath(new URL("../../../", import.meta.url));

const wanted: Wanted[] = [
  {
    row: "resident memory of npm start, idle, Postgres apart",
    ours: "start",
    peer: { name: "the most it may be", figure: 150 },
    metric: "rss",
    unit: "MB",
    better: "smaller",
    reach: 1,
  },
];

/** What the platform holds when nobody calls: everything that `npm start` starts in its one process. */
export const memoryArea: Area = {
  name: "memory",
  about: "resident memory of npm start, idle, Postgres apart",
  run: (bench) =>
    withPostgres(bench, async (url) => {
      const figures = new Figures(bench, []);
      for (let round = 1; round <= Math.min(bench.rounds, 3); round++) {
        bench.progress(`round ${round}: starting, then idle`);
        figures.add("start", { rss: await idleMb(bench, url) });
      }
      return figures.rows(wanted);
    }),
};

async function idleMb(bench: Bench, url: string): Promise<number> {
  const child = spawn(process.execPath, ["cli/src/main.ts", "start", "--json"], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url, PORT: "0" },
    stdio: ["ignore", "pipe", process.stderr],
    signal: bench.signal,
  });
  const ended = once(child, "exit");
  try {
    const late = wait(READY_TIMEOUT_MS, undefined, { ref: false }).then(() => "late");
    const first = await Promise.race([once(child.stdout, "data"), ended.then(() => "ended"), late]);
    if (typeof first === "string") throw new Error(`banyan start did not get ready (${first}); its output is above.`);
    await wait(bench.quick ? 200 : 5_000);
    return residentMb(child.pid ?? 0);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

/** Linux says it in a file, which is there where `ps` is not. */
function residentMb(pid: number): number {
  const status = `/proc/${pid}/status`;
  const kib = existsSync(status)
    ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1]
    : spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).stdout;
  return Number(kib) / KIB_PER_MB;
}

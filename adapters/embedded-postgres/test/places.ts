import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";

/** A fresh folder that any user may walk into; removed with `removePlaces`. */
export function makePlace(name = "place"): string {
  const folder = mkdtempSync(join(tmpdir(), "banyan-embedded-"));
  chmodSync(folder, 0o755);
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  chmodSync(place, 0o755);
  places.push(folder);
  return place;
}

const places: string[] = [];

export function removePlaces(): void {
  for (const folder of places.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** One statement on one connection; the rows it gives. */
export async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  // A server that goes down under a connection says so here, and the statement fails all the same.
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Asks every 10 ms until `holds`; the milliseconds that it took. Throws after `limitMs`. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<number> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > limitMs) throw new Error(`did not hold within ${limitMs} ms: ${holds}`);
    await sleep(10);
  }
  return performance.now() - since;
}

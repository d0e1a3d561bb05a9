import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { StoredEvent } from "@banyan/user-events-events/contract";

/** A file by the day of what is in it, as long as was committed. */
export interface DayFile {
  readonly day: string;
  readonly bytes: number;
}

/**
 * Adds events to the files of the days on which they were received, on the disk when it resolves, and answers how long these are now. What lies beyond
 * a file's known length was written by somebody who died before it was committed, and is cut off.
 */
export async function writeFiles(
  folder: string,
  known: readonly DayFile[],
  events: readonly StoredEvent[],
): Promise<DayFile[]> {
  await mkdir(folder, { recursive: true });
  const byDay = Map.groupBy(events, ({ receivedAt }) => new Date(receivedAt).toISOString().slice(0, 10));
  const written: DayFile[] = [];
  for (const [day, all] of byDay) {
    const bytes = known.find((file) => file.day === day)?.bytes ?? 0;
    const lines = Buffer.from(all.map((event) => `${JSON.stringify(event)}\n`).join(""));
    await using file = await open(join(folder, `${day}.ndjson`), bytes === 0 ? "w" : "r+");
    const { size } = await file.stat();
    // Filled up with zeros it would be no file of lines any more.
    if (size < bytes) throw new Error(`${day}.ndjson has ${size} bytes, of ${bytes} that were written`);
    await file.truncate(bytes);
    await file.write(lines, 0, lines.length, bytes);
    await file.datasync();
    written.push({ day, bytes: bytes + lines.length });
  }
  return written;
}

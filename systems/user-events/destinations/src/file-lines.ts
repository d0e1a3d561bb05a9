import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { StoredEvent } from "@banyan/user-events-events/contract";
import type { DayLines, FileLines } from "./schemas.ts";

/** A line of JSON for each event, by the day on which it was received. */
export function linesOf(events: readonly StoredEvent[]): DayLines[] {
  const byDay = Map.groupBy(events, ({ receivedAt }) => receivedAt.slice(0, 10));
  return [...byDay].map(([day, all]) => ({ day, lines: all.map((event) => `${JSON.stringify(event)}\n`).join("") }));
}

/** Puts lines at their place in the file of their day, on the disk when it resolves. Whoever does so again, however late, changes nothing. */
export async function writeLines(folder: string, { day, start, lines }: FileLines): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bytes = Buffer.from(lines);
  await using file = await open(
    join(folder, `${day}.ndjson`),
    constants.O_RDWR | (start === 0 ? constants.O_CREAT : 0),
  );
  const { size } = await file.stat();
  // Filled up with zeros it would be no file of lines any more.
  if (size < start) throw new Error(`${day}.ndjson has ${size} bytes, of ${start} that were written`);
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, start + done)).bytesWritten;
  }
  await file.datasync();
}

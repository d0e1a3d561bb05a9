import type { Sql } from "@banyan/kernel";
import type { At, DayLines, FileLines, FilePlace } from "./schemas.ts";

/** Gives lines their place behind what was noted before. The destination is locked, so that places have the order of the notes. */
export async function insertLines(sql: Sql, { tenant, id }: At, files: readonly DayLines[]): Promise<void> {
  const given = files.map(({ day, lines }) => ({ day, lines, bytes: Buffer.byteLength(lines) }));
  await sql`
    WITH given AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb) AS given (day date, lines text, bytes bigint)
    ), file AS (
      INSERT INTO destinations.file AS file (tenant, destination, day, bytes) SELECT ${tenant}, ${id}, day, bytes FROM given
      ON CONFLICT (tenant, destination, day) DO UPDATE SET bytes = file.bytes + excluded.bytes RETURNING day, bytes
    )
    INSERT INTO destinations.file_lines (tenant, destination, day, start, lines)
    SELECT ${tenant}, ${id}, day, file.bytes - given.bytes, lines FROM given JOIN file USING (day)`;
}

/** Lines that may be written at `now`: those of one page at most, for the next is noted when these are written. */
export function selectLines(sql: Sql, { tenant, id }: At, now: Date): Promise<FileLines[]> {
  return sql<FileLines>`
    SELECT to_char(day, 'YYYY-MM-DD') AS day, start, lines
    FROM destinations.destination JOIN destinations.file_lines AS file ON file.tenant = destination.tenant AND file.destination = id
    WHERE destination.tenant = ${tenant} AND id = ${id} AND NOT is_paused AND (next_at IS NULL OR next_at <= ${now})
    ORDER BY day, start`;
}

export async function deleteLines(sql: Sql, { tenant, id }: At, places: readonly FilePlace[]): Promise<void> {
  await sql`
    DELETE FROM destinations.file_lines AS file USING jsonb_to_recordset(${JSON.stringify(places)}::jsonb) AS place (day date, start bigint)
    WHERE tenant = ${tenant} AND destination = ${id} AND file.day = place.day AND file.start = place.start`;
}

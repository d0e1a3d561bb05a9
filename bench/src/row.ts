/** One comparison as `npm run bench -- --json` prints it. */
export type Row = {
  area: string;
  row: string;
  /** What ours measured, in `unit`. */
  ours: number;
  /** What the peer measured in the same run, in `unit`. */
  peer: number;
  peerName: string;
  unit: string;
  /** The better for us the larger, also for times, CPU and memory. */
  ratio: number;
  /** The least `ratio` that we hold ourselves to; 0 where a peer is only printed beside. */
  reach: number;
};

/** Larger is better for a rate; smaller for a time, CPU or memory. */
export type Better = "larger" | "smaller";

/** Builds a row with its ratio turned so that larger is better for us; figures keep four significant digits. */
export function compare(row: Omit<Row, "ratio"> & { better: Better }): Row {
  const { better, ...rest } = row;
  const ratio = better === "larger" ? row.ours / row.peer : row.peer / row.ours;
  return {
    ...rest,
    ours: rounded(row.ours),
    peer: rounded(row.peer),
    ratio: rounded(ratio),
    reach: rounded(row.reach),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Middle of the values; the mean of the two middle ones where their number is even. NaN without values. */
export function median(values: readonly number[]): number {
  return (
    (percentile(values, 0.5) +
      -percentile(
        values.map((value) => -value),
        0.5,
      )) /
    2
  );
}

/** The value that the given part (0 to 1) of all values lies below. NaN without values. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** The rows as a table for people, one line per row, with a mark where the reach is missed. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.area,
    row.row,
    figure(row.ours),
    figure(row.peer),
    row.unit,
    row.peerName,
    `${row.ratio.toPrecision(3)} x`,
    row.reach === 0 ? "" : `>= ${row.reach.toPrecision(3)}`,
    row.reach === 0 ? "" : row.ratio >= row.reach ? "ok" : "MISSED",
  ]);
  const head = ["area", "what", "ours", "peer", "unit", "beside", "ratio", "reach", ""];
  const lines = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const numeric = new Set([2, 3, 6]);
  return lines
    .map((line) =>
      line.map((cell, i) => (numeric.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))),
    )
    .map((line) => line.join("  ").trimEnd())
    .join("\n");
}

function figure(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 2 : 0 });
}

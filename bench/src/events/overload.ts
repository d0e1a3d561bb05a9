import { type Bench, type Loaded, measureUnderLoad } from "../rounds.ts";
import { compare, median, type Row } from "../row.ts";
import type { Subject } from "../subject-process.ts";
import { batch, batchCount } from "./event-bodies.ts";

const connections = 8;
/** As many events as may wait are sent in half a minute. */
const untilRefusedMs = 120_000;

/** Resident megabytes at the end of each slice of the load, and what became of its events. */
interface Course {
  readonly residentMb: readonly number[];
  readonly accepted: number;
  readonly refused: number;
  /** Sent, and cut off at the end of a slice: stored or not. */
  readonly unanswered: number;
}

/**
 * Sends User Events more than they can store, whose storing is held up but for a moment now and then: first until something is refused, then
 * for `bench.overloadMs`. Throws where something else is stored in the end than what was answered 202 and may be of what was not answered.
 */
export async function overload(bench: Bench, ours: Subject): Promise<Row[]> {
  bench.progress(`overload, ${bench.overloadMs / 1_000} s from the first refusal on`);
  const rows: Row[] = [];
  await measureUnderLoad({ ...bench, rounds: 1 }, { subjects: [ours] }, async (loaded) => {
    const { running } = loaded;
    const filling = await send(loaded, bench, { durationMs: untilRefusedMs, untilRefused: true });
    if (filling.refused === 0 && !bench.quick) throw new Error(`nothing was refused within ${untilRefusedMs} ms`);
    const full = await send(loaded, bench, { durationMs: bench.overloadMs, untilRefused: false });
    const accepted = filling.accepted + full.accepted;
    const unanswered = filling.unanswered + full.unanswered;
    const stored = await running.ask<number>("stored");
    if (stored < accepted || stored > accepted + unanswered)
      throw new Error(
        `${accepted} events were answered 202, ${unanswered} were not answered, and ${stored} are stored`,
      );
    await running.ask("close");
    rows.push(...rowsOf(bench, full));
    return {};
  });
  return rows;
}

async function send(
  { running, loading }: Loaded,
  bench: Bench,
  { durationMs, untilRefused }: { readonly durationMs: number; readonly untilRefused: boolean },
): Promise<Course> {
  const sliceMs = bench.quick ? 300 : 5_000;
  const [address, authorization] = await Promise.all([
    running.ask<string>("address"),
    running.ask<string>("authorization"),
  ]);
  const headers = { "content-type": "application/json", authorization };
  const request = { url: `${address}/v1/batch`, method: "POST", headers, body: batch, connections };
  const residentMb: number[] = [];
  let [accepted, refused, unanswered] = [0, 0, 0];
  const slices = bench.quick ? 2 : Math.ceil(durationMs / sliceMs);
  while (residentMb.length < slices && !(untilRefused && refused > 0)) {
    const [answers] = await Promise.all([
      loading.ask<Omit<Course, "residentMb">>("flood", { ...request, durationMs: sliceMs }),
      running.ask("holdUp", sliceMs),
    ]);
    accepted += answers.accepted * batchCount;
    refused += answers.refused * batchCount;
    unanswered += answers.unanswered * batchCount;
    residentMb.push(await running.ask<number>("residentMb"));
  }
  return { residentMb, accepted, refused, unanswered };
}

/** Flat: in the second half of the time about as much as in the first. */
function rowsOf({ area, overloadMs }: Bench, { residentMb, accepted, refused }: Course): Row[] {
  const middle = residentMb.length / 2;
  const [first, second] = [residentMb.slice(0, Math.ceil(middle)), residentMb.slice(Math.floor(middle))];
  const named = `${overloadMs / 1_000} s of overload`;
  return [
    compare({
      area,
      row: `resident memory, second half of ${named}`,
      ours: median(second),
      peer: median(first),
      peerName: "its first half",
      unit: "MB",
      better: "smaller",
      reach: 0.9,
    }),
    compare({
      area,
      row: `refused by 429 in ${named}`,
      ours: refused,
      peer: accepted + refused,
      peerName: "events sent",
      unit: "events",
      better: "larger",
      reach: 0,
    }),
  ];
}

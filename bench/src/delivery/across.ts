import { type Bench, Figures, type Sample, type Wanted } from "../rounds.ts";
import { percentile, type Row } from "../row.ts";
import { peer, type Running, type Subject, startSubject } from "../subject-process.ts";

/** Who publishes and who handles, each in a process of its own. */
type Pair = { subject: Subject; taker: URL };

const STEADY_PER_SECOND = 100;
const PLAIN = "plain table across processes, SKIP LOCKED and NOTIFY, its subscriber without an effect";

const delay = { ours: "subscription", peer: "plain-table", unit: "ms", better: "smaller" as const };
const wanted: Wanted[] = [
  { ...delay, row: `across processes: p50 at ${STEADY_PER_SECOND}/s`, metric: "p50", reach: 1 / 2.2 },
  { ...delay, row: `across processes: p99 at ${STEADY_PER_SECOND}/s`, metric: "p99", reach: 1 / 5 },
];

/** From the start of a command in one process to its subscriber's committed effect in another, by the clock of the machine. */
export async function measureAcross(bench: Bench, url: string): Promise<Row[]> {
  const pairs: Pair[] = [
    {
      subject: { id: "subscription", name: "ours across processes", module: new URL("./teller.ts", import.meta.url) },
      taker: new URL("./taker.ts", import.meta.url),
    },
    {
      subject: { id: "plain-table", name: PLAIN, module: peer("delivery/plain-table-teller") },
      taker: peer("delivery/plain-table-taker"),
    },
  ];
  const figures = new Figures(
    bench,
    pairs.map(({ subject }) => subject),
  );
  for (let round = 1; round <= bench.rounds; round++) {
    for (const pair of pairs) {
      bench.progress(`round ${round} of ${bench.rounds}: ${pair.subject.name}`);
      figures.add(pair.subject.id, await measurePair(bench, pair, url));
    }
  }
  return figures.rows(wanted);
}

async function measurePair(bench: Bench, { subject, taker }: Pair, url: string): Promise<Sample> {
  const running: Running[] = [];
  try {
    // The one that handles first: it makes the plain table's, and ours keeps events for those that have asked.
    for (const module of [taker, subject.module])
      running.push(await startSubject({ ...subject, module, options: { url } }, { signal: bench.signal }));
    const [taking, telling] = running as [Running, Running];
    const steady = async (count: number) => {
      await telling.ask("steady", count, STEADY_PER_SECOND);
      return await taking.ask<number[]>("ages", count);
    };
    const messages = bench.quick ? 20 : 300;
    await steady(messages / 3);
    const agesMs = await steady(messages);
    return { p50: percentile(agesMs, 0.5), p99: percentile(agesMs, 0.99) };
  } finally {
    for (const each of running) await each.stop();
  }
}

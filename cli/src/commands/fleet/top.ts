import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../../control/client.ts";
import { usageFailure } from "../../failure.ts";
import { bold, dim, print, printJson, table } from "../../output/terminal.ts";
import { connectServer } from "../../project/project.ts";
import { percentile } from "../../watch/call-stats.ts";
import type { NodeReport } from "../../watch/node-report.ts";

interface TopOptions {
  readonly json?: boolean;
  /** Seconds between two pictures. */
  readonly every: string;
  /** How many pictures; without end where absent. */
  readonly count?: string;
}

/** What happened between two reports. */
export interface Picture {
  readonly nodes: readonly { readonly node: string; readonly cpuPercent: number; readonly residentBytes: number }[];
  readonly actions: readonly ActionRate[];
}

interface ActionRate {
  readonly id: string;
  readonly kind: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of what was tried, 0 to 1. */
  readonly faultShare: number;
  readonly errorShare: number;
}

/** Shows what the running server does, again and again until Ctrl-C. */
export async function top({ json, every, count }: TopOptions): Promise<void> {
  if (!(Number(every) > 0)) throw usageFailure(`"${every}" is no number of seconds.`, "Write it as in --every 5.");
  if (count !== undefined && !(Number(count) > 0))
    throw usageFailure(`"${count}" is no number of pictures.`, "Write it as in --count 1.");
  const server = await connectServer();
  const look = async () => (await ask(server.socket, { do: "nodes" })) as readonly NodeReport[];
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort()).once("SIGTERM", () => stopped.abort());
  process.stdout.once("error", () => stopped.abort());
  const everyMs = Math.max(0.2, Number(every)) * 1_000;
  let before = await look();
  for (let shown = 0; shown < Number(count ?? Number.POSITIVE_INFINITY); shown++) {
    await sleep(everyMs, undefined, { signal: stopped.signal }).catch(() => {});
    if (stopped.signal.aborted) return;
    const after = await look();
    const picture = between(before, after);
    if (json) printJson(picture);
    else show(picture, server.title);
    before = after;
  }
}

/** Rates, percentiles and processor use from the first reports to the second. A node that was restarted counts from nought. */
export function between(before: readonly NodeReport[], after: readonly NodeReport[]): Picture {
  const earlier = new Map(before.map((report) => [`${report.node} ${report.pid}`, report]));
  const rates = new Map<string, ActionRate & { readonly count: number; readonly buckets: readonly number[] }>();
  const seconds = Math.max(...after.map((report) => secondsOf(report, earlier)), 0.001);
  for (const report of after) {
    const old = new Map(earlier.get(`${report.node} ${report.pid}`)?.actions.map((action) => [action.id, action]));
    for (const { id, kind, count, faultCount, errorCount, buckets } of report.actions) {
      const was = old.get(id);
      const sum = rates.get(id);
      const did = count - (was?.count ?? 0) + (sum?.count ?? 0);
      if (did === 0) continue;
      const added = buckets.map((value, at) => value - (was?.buckets[at] ?? 0) + (sum?.buckets[at] ?? 0));
      const share = (now: number, then = 0, others = 0) => (now - then + others * (sum?.count ?? 0)) / did;
      rates.set(id, {
        id,
        kind,
        count: did,
        buckets: added,
        perSecond: did / seconds,
        p50Ms: percentile(added, 0.5),
        p99Ms: percentile(added, 0.99),
        faultShare: share(faultCount, was?.faultCount, sum?.faultShare),
        errorShare: share(errorCount, was?.errorCount, sum?.errorShare),
      });
    }
  }
  const nodes = after.map((report) => {
    const was = earlier.get(`${report.node} ${report.pid}`);
    const cpuPercent = ((report.cpuMs - (was?.cpuMs ?? 0)) / (secondsOf(report, earlier) * 1_000)) * 100;
    return { node: report.node, cpuPercent, residentBytes: report.residentBytes };
  });
  const actions = [...rates.values()]
    .sort((a, b) => b.perSecond - a.perSecond)
    .map(({ count: _, buckets: __, ...rate }) => rate);
  return { nodes, actions };
}

function secondsOf(report: NodeReport, earlier: ReadonlyMap<string, NodeReport>): number {
  const was = earlier.get(`${report.node} ${report.pid}`);
  return Math.max(was === undefined ? report.upMs : report.at - was.at, 1) / 1_000;
}

const rowsMax = 25;

function show({ nodes, actions }: Picture, title: string): void {
  if (process.stdout.isTTY) process.stdout.write("\x1b[H\x1b[2J");
  print(`${bold(title)}  ${dim(new Date().toISOString().slice(11, 19))}  Ctrl-C ends it`);
  print(
    nodes
      .map((node) => `${node.node} ${Math.round(node.cpuPercent)} % ${Math.round(node.residentBytes / 1_048_576)} MB`)
      .join(" · "),
  );
  const percent = (share: number) => (share === 0 ? "" : `${(share * 100).toFixed(1)} %`);
  const rows = actions
    .slice(0, rowsMax)
    .map(({ id, kind, perSecond, p50Ms, p99Ms, faultShare, errorShare }) => [
      id,
      kind,
      perSecond.toFixed(1),
      p50Ms.toFixed(2),
      p99Ms.toFixed(2),
      percent(faultShare),
      percent(errorShare),
    ]);
  print(table([["", "", "PER SECOND", "P50 MS", "P99 MS", "FAULTS", "ERRORS"], ...rows], [2, 3, 4, 5, 6]));
  if (actions.length > rowsMax) print(dim(`… and ${actions.length - rowsMax} more`));
}

import type { InspectorRecord } from "@banyan/kernel/app";
import { ask } from "../control/client.ts";
import { bold, dim, duration, note, print, printJson } from "../output/terminal.ts";
import { connectServer } from "../project/project.ts";

type Tailed = InspectorRecord | { readonly kind: "gap"; readonly unsentCount: number };

/** Prints records of the running server until Ctrl-C. */
export async function tail(pattern: string, { json }: { readonly json?: boolean }): Promise<void> {
  const server = await connectServer();
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort()).once("SIGTERM", () => stopped.abort());
  // A reader such as `head` that has seen enough closes the pipe.
  process.stdout.once("error", () => stopped.abort());
  note(`Watching ${pattern} at ${server.url}; Ctrl-C ends it.`);
  const show = (item: unknown) => (json ? printJson(item) : print(lineOf(item as Tailed)));
  await ask(server.socket, { do: "tail", pattern }, { onItem: show, signal: stopped.signal });
}

function lineOf(record: Tailed): string {
  if (record.kind === "gap")
    return dim(`… ${record.unsentCount} records were left out: this terminal is too slow for all`);
  const at = dim(new Date(record.at).toISOString().slice(11, 23));
  if (record.kind === "state") return `${at}  state     ${record.state}`;
  if (record.kind === "event")
    return `${at}  event     ${bold(record.id)}  ${record.key} v${record.version}  ${dim(record.traceId)}`;
  if (record.kind === "peer")
    return `${at}  peer      ${bold(record.node)}  ${record.state}  ${dim(record.reason ?? "")}`;
  if (record.kind === "refused-frame")
    return `${at}  refused   ${bold(record.reason)}  ${record.node}  ${dim(record.detail)}`;
  if (record.kind === "refused-message")
    return `${at}  refused   ${bold(record.service)}  ${record.count} ${record.reason}`;
  if (!("tookMs" in record)) return `${at}  ${lineOfResilience(record)}`;
  const { kind, id, tookMs, outcome, fault, replayed, cached, subscriber, attempt, traceId } = record;
  const said = [
    outcome === "ok" ? "" : (fault ?? outcome),
    replayed ? "replayed" : "",
    cached ? "cached" : "",
    subscriber === undefined ? "" : `-> ${subscriber}`,
    attempt !== undefined && attempt > 1 ? `attempt ${attempt}` : "",
  ];
  return [`${at}  ${kind.padEnd(8)} `, bold(id), duration(tookMs), ...said, dim(traceId)].filter(Boolean).join("  ");
}

type Resilience = Extract<InspectorRecord, { kind: "node" | "bulkhead" | "breaker" | "retry" | "shed" | "fallback" }>;

function lineOfResilience(record: Resilience): string {
  const { kind } = record;
  const named = `${kind.padEnd(8)}  ${bold(kind === "node" ? record.node : record.id)}`;
  switch (kind) {
    case "node":
    case "bulkhead":
      return `${named}  ${record.state}`;
    case "breaker":
      return `${named}  ${record.state}  at ${record.node}`;
    case "retry":
      return `${named}  after attempt ${record.attempt} at ${record.node}: ${record.fault}`;
    case "shed":
      return `${named}  of ${record.from}: ${Math.round(record.lagMs)} ms behind`;
    case "fallback":
      return `${named}  for ${record.fault}`;
  }
}

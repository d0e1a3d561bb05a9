import { ask } from "../control/client.ts";
import { CommandFailure, usageFailure } from "../failure.ts";
import { bold, dim, duration, print, printJson } from "../output/terminal.ts";
import { connectServer } from "../project/project.ts";
import type { Traced } from "../watch/trace-log.ts";

/** A record, and the process that made it where there are several. */
export type Span = Traced & { readonly node?: string };

/** Prints what one request caused, in every process of the running server. */
export async function trace(id: string, { json }: { readonly json?: boolean }): Promise<void> {
  if (!/^[0-9a-f]{4,32}$/.test(id))
    throw usageFailure(`"${id}" is no trace id.`, "It is 32 hexadecimal digits, or the first of them (four or more).");
  const server = await connectServer();
  const spans = (await ask(server.socket, { do: "trace", traceId: id })) as readonly Span[];
  const ids = new Set(spans.map(({ traceId }) => traceId));
  if (ids.size === 0)
    throw new CommandFailure(
      `Nothing is remembered of trace ${id}.`,
      "Each process remembers its last 20,000 records; `banyan tail` prints trace ids as they come.",
    );
  if (ids.size > 1) throw usageFailure(`${ids.size} traces begin with ${id}.`, `They are: ${[...ids].join(", ")}.`);
  if (json) return printJson(spans);
  print(bold(spans[0]?.traceId ?? id));
  for (const line of treeOf(spans)) print(line);
}

/** Calls below their callers; events, deliveries and jobs, which nobody waited for, below the roots in the order of time. */
export function treeOf(spans: readonly Span[]): string[] {
  const began = Math.min(...spans.map(({ at }) => at));
  const known = new Set(spans.flatMap((span) => (span.kind === "event" ? [] : [span.spanId])));
  const parentOf = (span: Span) => (span.kind === "event" ? undefined : span.parentSpanId);
  const roots = spans.filter((span) => !known.has(parentOf(span) ?? ""));
  const lines: string[] = [];
  const walk = (span: Span, depth: number) => {
    lines.push(
      `${dim(`+${String(Math.round(span.at - began)).padStart(5)} ms`)}  ${"  ".repeat(depth)}${textOf(span)}`,
    );
    if (span.kind === "event") return;
    for (const child of spans) if (parentOf(child) === span.spanId) walk(child, depth + 1);
  };
  for (const root of roots) walk(root, 0);
  return lines;
}

function textOf(span: Span): string {
  const node = span.node === undefined ? "" : dim(`@${span.node}`);
  if (span.kind === "event") return ["event", bold(span.id), `${span.key} v${span.version}`, node].join("  ").trimEnd();
  const said = [
    span.outcome === "ok" ? "" : (span.fault ?? span.outcome),
    span.replayed ? "replayed" : "",
    span.cached ? "cached" : "",
    span.subscriber === undefined ? "" : `-> ${span.subscriber}`,
    node,
  ];
  return [span.kind, bold(span.id), duration(span.tookMs), ...said].filter(Boolean).join("  ");
}

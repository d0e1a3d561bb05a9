import type { App } from "@banyan/kernel/app";
import { Counter, Gauge, type Registry } from "prom-client";

/** Kinds of records that tell of calls between processes. */
const kinds = ["node", "breaker", "retry", "bulkhead", "shed", "fallback", "refused-frame"] as const;

/**
 * Counts what becomes of calls between processes, and how the nodes are that this one calls. No label names a node: their number
 * is not bounded. Answers the function that ends it.
 */
export function countRemote(app: App, registry: Registry): () => void {
  const registers = [registry];
  const turns = new Counter({
    name: "banyan_resilience_total",
    help: "Retries, transitions of breakers and nodes, calls queued, refused, shed or answered by a fallback",
    labelNames: ["kind", "id", "what"],
    registers,
  });
  const refused = new Counter({
    name: "banyan_bus_refused_frames_total",
    help: "Frames and peers that were not taken, by reason",
    labelNames: ["reason"],
    registers,
  });
  const states = ["up", "damped", "suspect", "lost"] as const;
  new Gauge({
    name: "banyan_nodes",
    help: "Other nodes that this one calls, by how they are",
    labelNames: ["state"],
    registers,
    collect() {
      const nodes = app.nodes();
      for (const state of states) this.set({ state }, nodes.filter((node) => node.state === state).length);
    },
  });
  return app.inspect((record) => {
    if (record.kind === "refused-frame") refused.inc({ reason: record.reason });
    else if (record.kind === "node") turns.inc({ kind: "node", id: "", what: record.state });
    else if (record.kind === "breaker" || record.kind === "bulkhead")
      turns.inc({ kind: record.kind, id: record.id, what: record.state });
    else if (record.kind === "retry" || record.kind === "fallback")
      turns.inc({ kind: record.kind, id: record.id, what: record.fault });
    else if (record.kind === "shed") turns.inc({ kind: record.kind, id: record.id, what: "refused" });
  }, kinds);
}

import type { App } from "@banyan/kernel/app";
import type { ActionStats, CallStats } from "./call-stats.ts";

/** What a process says of itself. */
export interface NodeReport {
  /** "ledger-2"; the project's title where one process has it all. */
  readonly node: string;
  readonly process: string;
  readonly pid: number;
  readonly services: readonly string[];
  /** The application's: started, draining … */
  readonly state: string;
  readonly restartCount: number;
  /** In milliseconds. */
  readonly upMs: number;
  /** Processor time since the start, in milliseconds: 1,000 a second is one core. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** When this was asked, in milliseconds since 1970. */
  readonly at: number;
  readonly actions: readonly ActionStats[];
}

/** Of this process. */
export function reportNode(
  { node, process: name }: { readonly node: string; readonly process: string },
  app: App,
  stats: CallStats | undefined,
): NodeReport {
  const { user, system } = process.cpuUsage();
  return {
    node,
    process: name,
    pid: process.pid,
    services: app.services.map(({ contract }) => contract.name),
    state: app.state,
    restartCount: 0,
    upMs: Math.round(process.uptime() * 1_000),
    cpuMs: Math.round((user + system) / 1_000),
    residentBytes: process.memoryUsage.rss(),
    at: Date.now(),
    actions: stats?.all() ?? [],
  };
}

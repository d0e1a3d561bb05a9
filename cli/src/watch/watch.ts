import type { App } from "@banyan/kernel/app";
import { CallStats } from "./call-stats.ts";
import { TraceLog } from "./trace-log.ts";

/** What a process remembers of its own work. */
export interface Watch {
  readonly traces: TraceLog;
  readonly stats: CallStats;
  stop(): void;
}

export function watchApp(app: App): Watch {
  const traces = new TraceLog(app);
  const stats = new CallStats(app);
  return {
    traces,
    stats,
    stop() {
      traces.stop();
      stats.stop();
    },
  };
}

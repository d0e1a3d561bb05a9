import { ask } from "../../control/client.ts";
import { print, printJson, table } from "../../output/terminal.ts";
import { connectServer } from "../../project/project.ts";
import type { NodeReport } from "../../watch/node-report.ts";

/** Prints the processes of the running server and what is in each. */
export async function nodes({ json }: { readonly json?: boolean }): Promise<void> {
  const server = await connectServer();
  const found = (await ask(server.socket, { do: "nodes" })) as readonly NodeReport[];
  if (json) return printJson(found.map(({ actions: _, ...node }) => node));
  const rows = found.map(({ node, state, pid, services, upMs, restartCount, cpuMs, residentBytes }) => [
    node,
    state,
    pid === 0 ? "-" : String(pid),
    span(upMs),
    String(restartCount),
    `${(cpuMs / 1_000).toFixed(1)} s`,
    `${Math.round(residentBytes / 1_048_576)} MB`,
    services.join(", ") || "gateway",
  ]);
  print(table([["NODE", "STATE", "PID", "UP", "RESTARTS", "CPU", "MEMORY", "RUNS"], ...rows], [2, 3, 4, 5, 6]));
}

/** "42 s", "3 min", "5 h" */
function span(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

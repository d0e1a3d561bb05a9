import { usageFailure } from "../failure.ts";
import type { LoadedConfig } from "../project/config.ts";

/** What one process of a split topology runs. */
export interface Placement {
  /** "books": its nodes are books-1, books-2 … */
  readonly process: string;
  /** Names of services; empty for the gateway's process. */
  readonly services: readonly string[];
  /** How many of it there are at the start. */
  readonly count: number;
}

/** The process that has the gateway and no service. */
export const edgeProcess = "edge";

/**
 * The processes of a configuration: those it names, one more for each service that none of them has, and the gateway's, last.
 * Throws a usage failure where a process names a service that is not there, or two name the same.
 */
export function placementsOf({ services, processes }: Pick<LoadedConfig, "services" | "processes">): Placement[] {
  const known = services.map(({ contract }) => contract.name);
  const placed = new Map<string, string>();
  for (const [process, { services: names }] of Object.entries(processes)) {
    if (process === edgeProcess && names.length > 0)
      throw usageFailure(`The process ${edgeProcess} has the gateway.`, "Give your process another name.");
    for (const name of names) {
      if (!known.includes(name))
        throw usageFailure(`The process ${process} names the service ${name}.`, `There are: ${known.join(", ")}.`);
      const other = placed.get(name);
      if (other !== undefined)
        throw usageFailure(`The service ${name} is in the processes ${other} and ${process}.`, "Name it once.");
      placed.set(name, process);
    }
  }
  const alone = known.filter((name) => !placed.has(name));
  const taken = alone.find((name) => name in processes);
  if (taken !== undefined)
    throw usageFailure(`The process ${taken} does not have the service ${taken}.`, "Give the process another name.");
  return [
    ...Object.entries(processes).map(([process, spec]) => ({ process, ...spec })),
    ...alone.map((name) => ({ process: name, services: [name], count: 1 })),
    ...(edgeProcess in processes ? [] : [{ process: edgeProcess, services: [], count: 1 }]),
  ];
}

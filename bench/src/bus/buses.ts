import { createTcpBus, type TcpBusOptions } from "@banyan/bus-tcp";
import type { Bus } from "@banyan/kernel/bus";

/** A bus as a subject in another process is told of it: one member for each transport. */
export type BusChoice = { tcp: TcpBusOptions };

/** `others` are addresses of nodes that are there already, for a bus that asks nodes and not a broker. */
export function createBus({ tcp }: BusChoice, others: readonly string[]): Bus {
  return createTcpBus({ ...tcp, seeds: others });
}

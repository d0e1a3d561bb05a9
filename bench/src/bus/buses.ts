import { createTcpBus, type TcpBusOptions } from "@banyan/bus-tcp";
import type { Bus } from "@banyan/kernel/bus";

/** A bus as a subject in another process is told of it: one member for each transport. */
export type BusChoice = { tcp: TcpBusOptions };

export function createBus({ tcp }: BusChoice): Bus {
  return createTcpBus(tcp);
}

import { createNatsBus, type NatsBusOptions } from "@banyan/bus-nats";
import { createRedisBus, type RedisBusOptions } from "@banyan/bus-redis";
import { createTcpBus, type TcpBusOptions } from "@banyan/bus-tcp";
import type { Bus } from "@banyan/kernel/bus";

/** A bus as a subject in another process is told of it: one member for each transport. */
export type BusChoice = { tcp: TcpBusOptions } | { nats: NatsBusOptions } | { redis: RedisBusOptions };

/** `others` are addresses of nodes that are there already, for a bus that asks nodes and not a broker. */
export function createBus(choice: BusChoice, others: readonly string[]): Bus {
  if ("tcp" in choice) return createTcpBus({ ...choice.tcp, seeds: others });
  return "nats" in choice ? createNatsBus(choice.nats) : createRedisBus(choice.redis);
}

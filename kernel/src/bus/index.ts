export type { Bus, BusReceiver, BusTraits, NodeRef, Outgoing } from "./bus.ts";
export { busFaults } from "./bus-faults.ts";

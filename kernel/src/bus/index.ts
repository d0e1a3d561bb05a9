export type { Bus, BusReceiver, BusTraits, NodeRef, Outgoing } from "./bus.ts";

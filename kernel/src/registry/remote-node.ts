import type { NodeRef } from "../bus/bus.ts";
import { Health } from "./health.ts";
import type { Offer } from "./messages.ts";

/** Weight of the newest latency in the average: half of it is the last 9 calls. */
const latencyWeight = 0.08;

/** Another process, as this one knows it: what it offers, how it is, and what this process has it do. */
export class RemoteNode {
  readonly ref: NodeRef;
  readonly health: Health;
  /** By service. */
  readonly offers = new Map<string, Offer>();
  host = "";
  /** When it last said anything, in milliseconds on the monotonic clock. */
  saidAt: number;
  /** Calls of this process that it has not answered. */
  inFlight = 0;
  /** A moving average over calls whose balance asks for it; 0 until then. */
  latencyMs = 0;
  /** How busy it said it is, 0 to 255. */
  load = 0;

  constructor(ref: NodeRef, now: number) {
    this.ref = ref;
    this.saidAt = now;
    this.health = new Health(now);
  }

  took(latencyMs: number): void {
    this.latencyMs += this.latencyMs === 0 ? latencyMs : (latencyMs - this.latencyMs) * latencyWeight;
  }
}

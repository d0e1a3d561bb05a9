import { newLife } from "../time/timeline.ts";
import type { World } from "../world/world.ts";
import type { Reply } from "./way.ts";

/** What a process asks of a courier. */
export interface Courier {
  /** Answers another number each time. */
  send(reference: string, signal: AbortSignal): Promise<number>;
  callBack(reference: string, signal: AbortSignal): Promise<boolean>;
  insure(reference: string, parcel: number, signal: AbortSignal): Promise<boolean>;
  endInsurance(reference: string, signal: AbortSignal): Promise<boolean>;
}

/** So long that a payment beside it is often refused before it answers. */
const packingMs = 300;

const done: Reply<boolean> = { answer: true, lateMs: 0 };

/** Somebody outside without a thought for idempotency keys: who asks twice gets two answers. */
export class CourierOffice {
  readonly life = newLife("courier");
  readonly sent = new Set<string>();
  readonly calledBack = new Set<string>();
  /** Parcels' numbers. */
  readonly insured = new Map<string, number>();
  private readonly world: World;
  private parcels = 0;

  constructor(world: World) {
    this.world = world;
  }

  send(reference: string): Reply<number> {
    this.sent.add(reference);
    return { answer: ++this.parcels, lateMs: packingMs };
  }

  callBack(reference: string): Reply<boolean> {
    this.calledBack.add(reference);
    if (this.insured.has(reference))
      this.world.failures.push(`${reference} was called back before its insurance was ended`);
    return done;
  }

  /** A request that comes late, once all is over, insures nothing. */
  insure(reference: string, parcel: number): Reply<boolean> {
    if (!this.calledBack.has(reference)) this.insured.set(reference, parcel);
    return done;
  }

  endInsurance(reference: string): Reply<boolean> {
    this.insured.delete(reference);
    return done;
  }
}

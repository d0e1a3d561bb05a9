import type { Bus, Outgoing } from "../bus.ts";
import { type BatchCarrier, type BatchPool, BatchWriter } from "../frame/batch.ts";
import { jsonCodec } from "../frame/codec.ts";
import { PayloadEncoder } from "../link/payload.ts";

/** What a group's calls leave by. */
export interface GroupWayOptions {
  readonly bus: Bus;
  readonly group: string;
  readonly pool: BatchPool;
  readonly frameBytesMax: number;
  /** There is no member, or no broker. */
  readonly notCarried: (way: GroupWay, batch: number, reason: Error) => void;
}

/**
 * The way to whichever member of a group the broker chooses. Each call is a batch of its own, for a batch goes to one member; and
 * JSON, for a codec learns from one node only.
 */
export class GroupWay implements BatchCarrier {
  readonly writer: BatchWriter;
  readonly encoder = new PayloadEncoder(jsonCodec);
  readonly frameBytesMax: number;
  private readonly options: GroupWayOptions;

  constructor(options: GroupWayOptions) {
    this.options = options;
    this.writer = new BatchWriter(options.pool, this);
    this.frameBytesMax = options.frameBytesMax;
  }

  carry(batch: Outgoing): void {
    this.options.bus.sendToGroup(this.options.group, batch);
  }

  notCarried(batch: number, reason: Error): void {
    this.options.notCarried(this, batch, reason);
  }
}

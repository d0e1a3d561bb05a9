import type { Identity } from "../service/identity.ts";
import { newTraceId } from "./ids.ts";

const none: Readonly<Record<string, string>> = Object.freeze({});

/** What every call of one request carries along, unchanged. The trace id is made when somebody reads it. */
export class Origin {
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, string>>;
  private trace: string | null;

  constructor(identity: Identity, traceId: string | undefined, metadata: Readonly<Record<string, string>> | undefined) {
    this.identity = identity;
    this.metadata = metadata ?? none;
    this.trace = traceId ?? null;
  }

  get traceId(): string {
    this.trace ??= newTraceId();
    return this.trace;
  }
}

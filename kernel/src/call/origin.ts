import type { Identity } from "../service/identity.ts";
import { TraceId } from "./ids.ts";

const none: Readonly<Record<string, string>> = Object.freeze({});

/** What every call of one request carries along, unchanged. The trace id is made when somebody needs it, and its text when somebody reads it. */
export class Origin {
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, string>>;
  private id: TraceId | string | null;

  constructor(
    identity: Identity,
    trace: TraceId | string | undefined,
    metadata: Readonly<Record<string, string>> | undefined,
  ) {
    this.identity = identity;
    this.metadata = metadata ?? none;
    this.id = trace ?? null;
  }

  get trace(): TraceId {
    if (typeof this.id === "string") return TraceId.of(this.id);
    this.id ??= TraceId.random();
    return this.id;
  }

  get traceId(): string {
    if (typeof this.id !== "string") this.id = this.trace.toString();
    return this.id;
  }
}

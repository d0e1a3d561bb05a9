import type { Identity } from "../service/identity.ts";
import { TraceId } from "./ids.ts";

const none: Readonly<Record<string, string>> = Object.freeze({});

/** What every call of one request carries along, unchanged. The trace id is made when somebody needs it, and its text when somebody reads it. */
export class Origin {
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, string>>;
  private id: TraceId | null = null;
  private text: string | null = null;

  constructor(
    identity: Identity,
    trace: TraceId | string | undefined,
    metadata: Readonly<Record<string, string>> | undefined,
  ) {
    this.identity = identity;
    this.metadata = metadata ?? none;
    if (typeof trace === "string") this.text = trace;
    else if (trace !== undefined) this.id = trace;
  }

  get trace(): TraceId {
    this.id ??= this.text === null ? TraceId.random() : TraceId.of(this.text);
    return this.id;
  }

  get traceId(): string {
    this.text ??= this.trace.toString();
    return this.text;
  }
}

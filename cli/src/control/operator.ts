import type { Call } from "../project/config.ts";
import type { Request } from "./protocol.ts";

/** A started application that does what an operator asks, here or in another process. */
export interface Operator {
  /** Calls an action as the public can: by HTTP where a server runs. */
  readonly call: Call;
  /** Ends when the user gives up. */
  readonly signal: AbortSignal;
  ask(request: Request): Promise<unknown>;
}

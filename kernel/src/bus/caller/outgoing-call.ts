import type { CallNotes } from "../../call/context.ts";
import type { Scope } from "../../call/scope.ts";
import type { CallFields } from "../frame/request-frame.ts";

/** A call on its way out. */
export interface OutgoingCall extends CallFields {
  /** Its number in the list of actions that the callee announced. */
  readonly action: number;
  /** "ledger.post", for what is said of it. */
  readonly name: string;
  /** What JSON can say. */
  readonly input: unknown;
  /** Nobody answers it. */
  readonly isOneWay?: boolean;
  /** Ends the call when it ends. Whoever made it watches it. */
  readonly scope: Scope;
  /** Filled before the answer is given. */
  readonly notes?: CallNotes | undefined;
}

import { digest } from "../call/ids.ts";

/** Who waits for an event of the type with the key. */
export function eventTopic(type: string, tenant: string, key: string): Uint8Array {
  return digest(16, "event", type, tenant, key);
}

/** A run whose step waits for the end of the run that it called. */
export function endTopic(run: string): Uint8Array {
  return digest(16, "end", run);
}

/** A run that waits for one of its workflow's signals. */
export function signalTopic(signal: string, run: string): Uint8Array {
  return digest(16, "signal", signal, run);
}

import { setTimeout as pause } from "node:timers/promises";
import { isFault } from "@banyan/kernel";
import { note } from "../output/terminal.ts";
import type { Call } from "../project/config.ts";

/** A killed server that is started again recovers its database first. */
const patienceMs = 30_000;
const pauseMs = 250;
const sayEveryMs = 5_000;

/** Waits up to 30 s for a server that refuses connections: nothing was sent, so nothing can happen twice. Waits no longer than `signal`. */
export function patientCall(call: Call, signal: AbortSignal): Call {
  let saidAt = Number.NEGATIVE_INFINITY;
  const say = (text: string) => {
    // Several calls wait for the same server.
    if (performance.now() - saidAt > sayEveryMs) note(text);
    saidAt = performance.now();
  };
  return async (action, input, options) => {
    const startedAt = performance.now();
    for (;;) {
      try {
        return await call(action, input, options);
      } catch (error) {
        const isAway = isFault(error) && error.code === "cli.unreachable" && error.retry === "yes";
        if (!isAway || performance.now() - startedAt > patienceMs) throw error;
        say(`${error.message}; waiting for it to come back.`);
        await pause(pauseMs, undefined, { signal });
      }
    }
  };
}

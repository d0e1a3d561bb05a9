import { badRows, redrive } from "./bad-rows.ts";
import { lag, totals } from "./lag.ts";
import { replay } from "./replay.ts";
import { tail } from "./tail.ts";

/** `banyan events …`, for `commands` of a configuration. */
export const userEventsCommands = { tail, lag, totals, "bad-rows": badRows, redrive, replay };

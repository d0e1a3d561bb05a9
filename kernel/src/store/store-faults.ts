import { fault, faultType } from "../contract/fault.ts";

/** What any store raises beside SQL errors; codes are `store.<name>`. */
export const storeFaults = {
  /** No connection, or it broke before anything was sent. Nothing was done. */
  unavailable: faultType<"store.unavailable", void>("store.unavailable", {
    ...fault("unavailable"),
    message: () => "the database does not answer",
  }),
  /** The connection broke while a statement or the COMMIT was under way: it may have committed. */
  uncertain: faultType<"store.uncertain", void>("store.uncertain", {
    ...fault("unavailable", undefined, { retry: "unknown" }),
    message: () => "the database went away in the middle; the change may have been made",
  }),
  /** A serialization failure or a deadlock; rolled back. The kernel tries again by itself. */
  contended: faultType<"store.contended", void>("store.contended", {
    ...fault("unavailable"),
    message: () => "another transaction was in the way",
  }),
  /** All connections are taken, and more wait than may. Nothing was done. */
  overloaded: faultType<"store.overloaded", void>("store.overloaded", {
    ...fault("exhausted"),
    message: () => "too many transactions wait for a connection",
  }),
  /** The server has no room left, or is read-only. Nothing was done. */
  full: faultType<"store.full", void>("store.full", {
    ...fault("unavailable"),
    message: () => "the database cannot write: its disk is full or it is read-only",
  }),
  /** The budget ran out while a statement was under way; it was cancelled and rolled back. */
  deadline: faultType<"store.deadline", void>("store.deadline", {
    ...fault("deadline", undefined, { retry: "yes" }),
    message: () => "the database was too slow for the time that was left; nothing was changed",
  }),
  /** The subscriber handled the event before, in another transaction; nothing was done. */
  handled: faultType<"store.handled", void>("store.handled", {
    ...fault("conflict"),
    message: () => "the event was handled before",
  }),
  /** What was asked for reaches back further than the store keeps it. Nothing was done. */
  forgotten: faultType<"store.forgotten", { readonly what: string; readonly before: number }>("store.forgotten", {
    ...fault("conflict"),
    message: ({ what, before }) =>
      `${what} before ${new Date(before).toISOString()} are kept no more: nothing was changed`,
  }),
  /** A projection took events of other databases that the log, where there is one, has no more. Nothing was done. */
  missing: faultType<"store.missing", { readonly subscriber: string; readonly count: number; readonly since: number }>(
    "store.missing",
    {
      ...fault("conflict"),
      message: ({ subscriber, count, since }) =>
        `${subscriber} took events of other databases, and no log that can be read again holds ${count} of them: nothing was changed. ` +
        `Where they were emitted, send them again (banyan log republish --since ${new Date(since).toISOString()}), then rebuild`,
    },
  ),
  /** The job's lease went to another worker; rolled back. */
  stale: faultType<"store.stale", void>("store.stale", {
    ...fault("conflict"),
    message: () => "another worker has taken this job over",
  }),
} as const;

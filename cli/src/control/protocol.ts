import { z } from "zod";

/** What the commands ask of a running server, one JSON line per connection. */
export const Request = z.discriminatedUnion("do", [
  z.strictObject({
    do: z.literal("call"),
    action: z.string(),
    input: z.unknown(),
    idempotencyKey: z.string().optional(),
    /** In the name of this person, in place of the system. */
    as: z.string().min(1).optional(),
  }),
  z.strictObject({ do: z.literal("tail"), pattern: z.string() }),
  z.strictObject({ do: z.literal("health") }),
  z.strictObject({ do: z.literal("check") }),
  z.strictObject({ do: z.literal("rebuild"), projection: z.string() }),
  z.strictObject({
    do: z.literal("deadLetters"),
    subscriber: z.string().optional(),
    limit: z.int().min(1).max(1_000).optional(),
    after: z.int().optional(),
  }),
  z.strictObject({ do: z.literal("redrive"), id: z.string() }),
  z.strictObject({
    do: z.literal("jobs"),
    type: z.string().optional(),
    state: z.enum(["waiting", "running", "delayed", "blocked", "paused", "dead"]).optional(),
    limit: z.int().min(1).max(10_000).optional(),
  }),
  z.strictObject({ do: z.literal("retryJob"), id: z.string() }),
  z.strictObject({ do: z.literal("pauseJobs"), type: z.string() }),
  z.strictObject({ do: z.literal("resumeJobs"), type: z.string() }),
  z.strictObject({
    do: z.literal("runs"),
    type: z.string().optional(),
    state: z.enum(["running", "due", "waiting", "stuck", "done", "failed"]).optional(),
    limit: z.int().min(1).max(10_000).optional(),
  }),
  z.strictObject({ do: z.literal("run"), id: z.string() }),
  z.strictObject({ do: z.literal("retryRun"), id: z.string(), from: z.string().optional() }),
  z.strictObject({ do: z.literal("cancelRun"), id: z.string() }),
  z.strictObject({ do: z.literal("signalRun"), id: z.string(), signal: z.string(), data: z.unknown() }),
  z.strictObject({ do: z.literal("lag") }),
  z.strictObject({ do: z.literal("republish"), since: z.int().min(0) }),
  z.strictObject({ do: z.literal("subscriptions") }),
  z.strictObject({ do: z.literal("forget"), service: z.string() }),
  z.strictObject({ do: z.literal("trace"), traceId: z.string().min(4) }),
  z.strictObject({ do: z.literal("nodes") }),
  z.strictObject({ do: z.literal("scale"), service: z.string(), count: z.int().min(0).max(64) }),
  z.strictObject({ do: z.literal("signal"), node: z.string(), signal: z.enum(["SIGKILL", "SIGSTOP", "SIGCONT"]) }),
  z.strictObject({
    do: z.literal("disturb"),
    pattern: z.string(),
    slowMs: z.int().min(0).max(60_000),
    failRate: z.number().min(0).max(1),
    forMs: z.int().min(1).max(3_600_000),
  }),
]);
export type Request = z.infer<typeof Request>;

/** An unexpected error's text is shown here as it is: who reads it operates the server. */
export interface Refusal {
  readonly message: string;
  /** Of a fault. */
  readonly code?: string;
  readonly details?: unknown;
  /** What to do about it, where the server knows. */
  readonly advice?: string;
}

/** The server's lines: any number of items, then the end. */
export type Reply = { readonly item: unknown } | { readonly done: unknown } | { readonly failed: Refusal };

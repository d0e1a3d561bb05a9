import type { JobType, NewJob } from "@banyan/kernel/jobs";
import type { CommandRecord, OutboxEvent, StoredEvent } from "@banyan/kernel/store";
import type { Message, StepRecord, StoredRun } from "@banyan/kernel/workflows";
import { defineTable } from "./database.ts";

/*
 * What the kernel stores beside the services' own rows, as adapters/sql-postgres/sql lays it out: the same keys, and so
 * the same row locks.
 */

/** By the key's bytes in hexadecimal. */
export const commands = defineTable<CommandRecord>("banyan.command");
/** The newest version of each (tenant, key). */
export const streams = defineTable<number>("banyan.stream");
/** By id. `seq` is drawn when the row is written, so a transaction that commits late may show a smaller one. */
export const events = defineTable<OutboxEvent>("banyan.event");
/** The services that hear of a type. */
export const subscriptions = defineTable<{ readonly type: string; readonly service: string }>("banyan.subscription");
/** The outbox, by service and number of the event. */
export const unsent = defineTable<{ readonly service: string; readonly event: string; readonly seq: number }>(
  "banyan.unsent",
);
/** By subscriber and event. */
export const inbox = defineTable<{ readonly subscriber: string; readonly event: string }>("banyan.inbox");
export const deadLetters = defineTable<DeadLetterRow>("banyan.dead_letter");
/** What holds for all jobs of a type. */
export const jobTypes = defineTable<JobTypeRow>("banyan.job_type");
export const jobs = defineTable<JobRow>("banyan.job");
/** The id of the living job that holds a dedupe key. */
export const jobKeys = defineTable<string>("banyan.job_dedupe");

/** A run that has not ended has a job of its id. */
export const runs = defineTable<RunRow>("banyan.workflow");
/** By run and name. */
export const steps = defineTable<StepRow>("banyan.workflow_step");
export const messages = defineTable<Message & { readonly at: number }>("banyan.workflow_message");

export interface RunRow extends Omit<StoredRun, "steps" | "messages"> {
  /** From when on it hears messages, by the database's clock. */
  readonly heardFrom: number;
}

export interface StepRow extends StepRecord {
  readonly run: string;
}

export interface DeadLetterRow {
  readonly id: string;
  readonly position: number;
  readonly subscriber: string;
  readonly event: string;
  readonly attempts: number;
  readonly error: string;
  readonly at: number;
}

/** While a job is leased, `dueAt` is where its lease ends. `token` grows with every claim and every failure. */
export interface JobRow extends NewJob {
  readonly enqueuedAt: number;
  readonly dueAt: number;
  readonly token: number;
  readonly attempt: number;
  readonly error: string | undefined;
  readonly deadAt: number | undefined;
  readonly owner: string | undefined;
}

/** `tokens` could begin at `countedAt`; `firedAt` is the last turn of its schedule that was stored. */
export interface JobTypeRow extends JobType {
  readonly isPaused: boolean;
  readonly tokens: number;
  readonly countedAt: number;
  readonly firedAt: number;
}

export function unsentKey(service: string, seq: number): string {
  return keyOf(service, String(seq));
}

/** Of several parts, none of which holds a zero byte. */
export function keyOf(...parts: readonly string[]): string {
  return parts.join("\0");
}

export function storedEvent({ seq: _seq, ...event }: OutboxEvent): StoredEvent {
  return event;
}

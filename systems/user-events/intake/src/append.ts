import type { BatchHandler, Fault } from "@banyan/kernel";
import { events } from "@banyan/user-events-events/contract";
import { batchBytesMax, type Collected } from "@banyan/user-events-formats";
import { intake, type Result } from "./contract.ts";
import { backlogMax, type Progress, partitionOf, takeOffsets } from "./partitions.ts";

/** Commands that take events are alike but for how their input is read. */
type Taking = typeof intake.batch;
export type Item = Pick<Parameters<BatchHandler<Taking>>[1][number], "identity" | "call" | "emit">;
export type Context = Parameters<BatchHandler<Taking>>[0];
export type Verdict = Awaited<ReturnType<BatchHandler<Taking>>>[number];

/** What one command brought. */
export interface Brought {
  readonly item: Item;
  readonly collected: readonly Collected[];
}

/** A log takes messages of up to 1 MB; events are 32 KB at most, refused ones a batch. */
const messageBytesMax = batchBytesMax;
const retryAfterMs = 1_000;
const progressDeadlineMs = 500;

/**
 * Appends what the commands of one tenant and transaction brought: a message for each partition, whoever sent its events, so that what
 * a message costs is shared. Answers a verdict for each command, in order.
 */
export async function append(ctx: Context, brought: readonly Brought[]): Promise<Verdict[]> {
  const byPartition = Map.groupBy(
    brought.flatMap(({ collected }) => collected),
    partitionOf,
  );
  const [first] = brought;
  if (first === undefined || byPartition.size === 0) return brought.map(() => answerTo([]));
  const { item } = first;
  const counts = new Map([...byPartition].map(([partition, all]) => [partition, all.length]));
  const taken = { tenant: item.identity.tenant, progress: await progressOf(item) };
  const offsets = await takeOffsets(ctx.sql, taken, counts);
  if (offsets === undefined) return brought.map(() => ctx.faults.backlogged({ backlogMax }, { retryAfterMs }));
  for (const [partition, all] of byPartition) emitAll(item, all, { partition, offset: offsets.get(partition) ?? 0 });
  return brought.map(({ collected }) => answerTo(collected));
}

/** How far the storing has come, a moment ago; nothing where it does not say so at once: then what was known counts. */
async function progressOf({ call }: Item): Promise<readonly Progress[]> {
  const options = { deadlineMs: progressDeadlineMs, fallback: () => ({ partitions: [] }) };
  return (await call(events.progress, {}, options)).partitions;
}

function emitAll(item: Item, all: readonly Collected[], at: { readonly partition: number; offset: number }): void {
  let message: Collected[] = [];
  let bytes = 0;
  const end = () => {
    const taken = {
      events: message.flatMap((one) => ("event" in one ? [one.event] : [])),
      refused: message.flatMap((one) => ("refused" in one ? [one.refused] : [])),
    };
    if (message.length > 0) item.emit(intake.accepted, { ...at, ...taken });
    at.offset += message.length;
    message = [];
    bytes = 0;
  };
  for (const one of all) {
    if (bytes + one.bytes > messageBytesMax) end();
    message.push(one);
    bytes += one.bytes;
  }
  end();
}

function answerTo(collected: readonly Collected[]): Exclude<Verdict, Fault> {
  const results = collected.map((one): Result => {
    if ("event" in one) return { eventId: one.event.eventId, status: "accepted" };
    const { eventId, reason, detail } = one.refused;
    return { eventId, status: "refused", reason, detail };
  });
  return { success: results.every(({ status }) => status === "accepted"), results };
}

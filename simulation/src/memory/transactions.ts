import type { ClaimedJob } from "@banyan/kernel/jobs";
import {
  AlreadyRecorded,
  type Budget,
  type CommandKey,
  type CommandTransaction,
  type DeliveryTransaction,
  type Transaction,
} from "@banyan/kernel/store";
import { close, enterAll, enterInbox, insertCommands, recordsOf } from "./closing.ts";
import { sqlOf } from "./dialect.ts";
import { completeJob } from "./jobs/queue.ts";
import { Lane, runOnce } from "./lane.ts";
import { announced, type Opener } from "./opener.ts";

export function beginCommands(opener: Opener, keys: readonly CommandKey[], budget: Budget): CommandTransaction {
  const lane = new Lane(opener, budget, async (transaction) => {
    const found = recordsOf(transaction, keys);
    if (found.length > 0) throw new AlreadyRecorded(found);
  });
  return {
    sql: sqlOf(opener.dialect, (work) => lane.run(work)),
    open: () => lane.open(async (transaction) => recordsOf(transaction, keys)),
    async commit({ commands = [], ...closing }) {
      const says = closing.events.length + closing.jobs.length + commands.length;
      if (!lane.isOpened && says === 0) {
        await lane.rollback();
        return { events: [] };
      }
      return announced(opener, closing, await lane.commit((transaction) => close(transaction, closing, commands)));
    },
    rollback: () => lane.rollback(),
    async refuse(records) {
      await lane.rollback();
      await runOnce(opener, (transaction) => insertCommands(transaction, records));
    },
  };
}

export function beginDelivery(
  opener: Opener,
  { subscriber, eventIds }: { readonly subscriber: string; readonly eventIds: readonly string[] },
  budget: Budget,
): DeliveryTransaction {
  const lane = new Lane(opener, budget, (transaction) => enterAll(transaction, subscriber, eventIds));
  return {
    sql: sqlOf(opener.dialect, (work) => lane.run(work)),
    open: () => lane.open((transaction) => enterInbox(transaction, subscriber, eventIds)),
    async commit(closing) {
      const isOpened = lane.isOpened;
      const stored = await lane.commit(async (transaction) => {
        if (!isOpened) await enterAll(transaction, subscriber, eventIds);
        return close(transaction, closing, []);
      });
      return announced(opener, closing, stored);
    },
    rollback: () => lane.rollback(),
  };
}

export function beginJob(opener: Opener, job: ClaimedJob, budget: Budget): Transaction {
  const lane = new Lane(opener, budget);
  return {
    sql: sqlOf(opener.dialect, (work) => lane.run(work)),
    async commit(closing) {
      let releasedJobs = 0;
      // Completed first: the job's own dedupe key is free for what it enqueues.
      const stored = await lane.commit(async (transaction) => {
        releasedJobs = await completeJob(transaction, job);
        return close(transaction, closing, []);
      });
      if (releasedJobs > 0) opener.announce();
      return { ...announced(opener, closing, stored), ...(releasedJobs > 0 && { releasedJobs }) };
    },
    rollback: () => lane.rollback(),
  };
}

import { type LogMessage, logFaults, type ReadOptions } from "@banyan/kernel/log";
import { DeliverPolicy } from "@nats-io/jetstream";
import { messageOf } from "./message.ts";
import type { Pulled } from "./pull.ts";
import type { Session } from "./session.ts";

/** Enough that round trips do not matter. */
const pageMessages = 1_000;
/** A page has to fit into memory, however long its messages are. */
const pageBytes = 8 * 1024 * 1024;

/** `Log.read`: pages from a time on, up to what was the last message when it was asked. */
export async function* readStream(
  session: Session,
  { types, since, signal }: ReadOptions,
): AsyncGenerator<readonly LogMessage[]> {
  const { last_seq: end } = (await session.info()).state;
  let page: Pulled[] = [];
  let turn = Promise.withResolvers<void>();
  const abort = () => turn.reject(signal.reason);
  const pull = await session.pull({
    name: "read",
    types,
    start: { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(since).toISOString() },
    received: (pulled) => {
      page.push(...pulled);
      const last = page.at(-1);
      // Nothing at all: what was behind has passed the horizon meanwhile.
      if (pull.wanted === 0 || last?.behind === 0 || (last !== undefined && last.sequence >= end)) turn.resolve();
    },
    ended: (cause) => turn.reject(logFaults.unavailable(undefined, { cause })),
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    for (let isOver = pull.total === 0; !isOver; ) {
      signal.throwIfAborted();
      pull.ask(pageMessages, pageBytes);
      await turn.promise;
      const last = page.at(-1);
      isOver = last === undefined || last.behind === 0 || last.sequence >= end;
      const messages = page.filter(({ sequence }) => sequence <= end).map((pulled) => messageOfPulled(session, pulled));
      page = [];
      turn = Promise.withResolvers();
      // Nobody waits for it while the caller has the page.
      turn.promise.catch(() => {});
      yield messages.filter((message) => typeof message !== "string");
    }
  } finally {
    signal.removeEventListener("abort", abort);
    pull.close();
  }
}

function messageOfPulled({ names }: Session, { subject, message }: Pulled): LogMessage | string {
  return messageOf(message, names.typeOf(subject));
}

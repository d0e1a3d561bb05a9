import type { Deliveries, Message } from "../delivery/deliveries.ts";

/** How a subject fills its queue while nothing runs, and then lets it run. */
export type Emptied = {
  fill(messages: Message[]): Promise<unknown>;
  begin(): Promise<unknown>;
};

/** Answers the method that empties a full queue: jobs per second from the first one done to the last, so that no start counts. */
export function emptying(deliveries: Deliveries, { fill, begin }: Emptied) {
  return async (count: number): Promise<number> => {
    const { messages, done } = deliveries.expect(count);
    await fill(messages);
    await begin();
    return done;
  };
}

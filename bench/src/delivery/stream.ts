import { batched, command, defineContract, type EventHandler, event, implement, on } from "@banyan/kernel";
import { z } from "zod";
import type { Message } from "./deliveries.ts";

const Sent = z.strictObject({ number: z.int(), sentMs: z.number() });
/** Events of one key wait for each other, so the messages are spread as a real service's are over its entities. */
const KEYS = 1_000;
/** In flight, of those that are committed together: as many as two commits take. */
export const TOGETHER = 1_000;

const send = { input: Sent, output: z.object({}), access: "stream:write" };
/** Commands that only say something, by itself or with others in one commit, and one that writes a row too. */
export const stream = defineContract("stream", {
  commands: { send: command(send), sendTogether: command(send), write: command(send) },
  events: { sent: event({ data: Sent, key: ({ number }) => `key ${number % KEYS}` }) },
});

export const streamService = implement(stream, {
  migrations: new URL("./sql/stream/", import.meta.url),
  commands: {
    send: (ctx, message) => {
      ctx.emit(stream.sent, message);
      return {};
    },
    sendTogether: batched(
      async (_ctx, items) => {
        for (const item of items) item.emit(stream.sent, item.input);
        return items.map(() => ({}));
      },
      { itemsMax: TOGETHER / 2, groupsMax: 2 },
    ),
    write: async (ctx, message) => {
      await ctx.sql`INSERT INTO stream.written (number) VALUES (${message.number})`;
      ctx.emit(stream.sent, message);
      return {};
    },
  },
});

/** The subscriber writes one row. `onHandled` is told of each message, under its event's id, before the transaction with its effect commits. */
export function keeperService(onHandled: (eventId: string, message: Message) => void) {
  const keep: EventHandler<typeof stream.sent, typeof keeper> = async (ctx, message) => {
    await ctx.sql`INSERT INTO keeper.effect (id, number) VALUES (${ctx.delivery.id}, ${message.number})`;
    onHandled(ctx.delivery.id, message);
  };
  return implement(keeper, {
    migrations: new URL("./sql/keeper/", import.meta.url),
    subscriptions: { keep: on(stream.sent, keep) },
  });
}

const keeper = defineContract("keeper", {});

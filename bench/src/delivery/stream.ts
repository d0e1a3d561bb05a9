import { command, defineContract, type EventHandler, event, implement, on } from "@banyan/kernel";
import { z } from "zod";
import type { Message } from "./deliveries.ts";

const Sent = z.strictObject({ number: z.int(), sentMs: z.number() });
/** Events of one key wait for each other, so the messages are spread as a real service's are over its entities. */
const KEYS = 1_000;

const send = { input: Sent, output: z.object({}), access: "stream:write" };
/** A command that only says something, one that writes a row too, and a subscriber of their event that writes one row. */
export const stream = defineContract("stream", {
  commands: { send: command(send), write: command(send) },
  events: { sent: event({ data: Sent, key: ({ number }) => `key ${number % KEYS}` }) },
});

/** `onHandled` is told of each message, under its event's id, before the transaction with its effect commits. */
export function streamService(onHandled: (eventId: string, message: Message) => void) {
  const keep: EventHandler<typeof stream.sent, typeof stream> = async (ctx, message) => {
    await ctx.sql`INSERT INTO stream.effect (id, number) VALUES (${ctx.delivery.id}, ${message.number})`;
    onHandled(ctx.delivery.id, message);
  };
  return implement(stream, {
    migrations: new URL("./sql/", import.meta.url),
    commands: {
      send: (ctx, message) => {
        ctx.emit(stream.sent, message);
        return {};
      },
      write: async (ctx, message) => {
        await ctx.sql`INSERT INTO stream.written (number) VALUES (${message.number})`;
        ctx.emit(stream.sent, message);
        return {};
      },
    },
    subscriptions: { keep: on(stream.sent, keep) },
  });
}

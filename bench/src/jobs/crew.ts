import { command, defineContract, type Handler, implement, job } from "@banyan/kernel";
import { z } from "zod";
import type { Message } from "../delivery/deliveries.ts";

const Sent = z.strictObject({ number: z.int(), sentMs: z.number() });

const add = { input: Sent, output: z.object({}), access: "crew:write" };
/** A job that does nothing, one that writes a row, and the commands that enqueue them. */
export const crew = defineContract("crew", {
  commands: { add: command(add), addWriting: command(add) },
  jobs: { idle: job({ input: Sent }), write: job({ input: Sent }) },
});

/** `onHandled` is told of each message, under its job's id, before the transaction that completes the job commits. */
export function crewService(onHandled: (jobId: string, message: Message) => void) {
  const write: Handler<typeof crew.write> = async (ctx, message) => {
    await ctx.sql`INSERT INTO crew.effect (id, number) VALUES (${ctx.job.id}, ${message.number})`;
    onHandled(ctx.job.id, message);
  };
  return implement(crew, {
    migrations: new URL("./sql/", import.meta.url),
    commands: {
      add: (ctx, message) => {
        ctx.enqueue(crew.idle, message);
        return {};
      },
      addWriting: (ctx, message) => {
        ctx.enqueue(crew.write, message);
        return {};
      },
    },
    jobs: { idle: (ctx, message) => onHandled(ctx.job.id, message), write },
  });
}

import { command, defineContract, event, type Handler, implement, type Service } from "@banyan/kernel";
import { z } from "zod";

const Note = z.strictObject({ id: z.string(), author: z.string(), body: z.string() });

/** One row and one event per command: the smallest command that does both. */
export const notes = defineContract("notes", {
  commands: {
    write: command({
      input: z.strictObject({ author: z.string(), body: z.string() }),
      output: Note,
      access: "notes:write",
    }),
  },
  events: { written: event({ data: Note, key: (note) => note.author }) },
});

const write: Handler<typeof notes.write> = async (ctx, { author, body }) => {
  const note = { id: ctx.newId(), author, body };
  await ctx.sql`INSERT INTO notes.note (id, author, body) VALUES (${note.id}, ${author}, ${body})`;
  ctx.emit(notes.written, note);
  return note;
};

export const notesService: Service = implement(notes, {
  migrations: new URL("./sql/", import.meta.url),
  commands: { write },
});

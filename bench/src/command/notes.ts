import { command, defineContract, event, type Handler, implement, query, type Service } from "@banyan/kernel";
import { z } from "zod";

const Note = z.strictObject({ id: z.string(), author: z.string(), body: z.string() });

/** The smallest command that writes a row and emits an event. */
export const notes = defineContract("notes", {
  commands: {
    write: command({
      input: z.strictObject({ author: z.string(), body: z.string() }),
      output: Note,
      access: "notes:write",
    }),
  },
  queries: { count: query({ input: z.strictObject({}), output: z.int(), access: "notes:read" }) },
  events: { written: event({ data: Note, key: (note) => note.author }) },
});

const write: Handler<typeof notes.write> = async (ctx, { author, body }) => {
  const note = { id: ctx.newId(), author, body };
  await ctx.sql`INSERT INTO notes.note (id, author, body) VALUES (${note.id}, ${author}, ${body})`;
  ctx.emit(notes.written, note);
  return note;
};

const count: Handler<typeof notes.count> = async (ctx) => {
  const [row] = await ctx.sql<{ count: number }>`SELECT count(*) AS count FROM notes.note`;
  return row?.count ?? 0;
};

export const notesService: Service = implement(notes, {
  migrations: new URL("./sql/", import.meta.url),
  commands: { write },
  queries: { count },
});

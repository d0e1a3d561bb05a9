import { setTimeout } from "node:timers/promises";
import { type EventHandler, type Handler, implement, on } from "@banyan/kernel";
import { notes } from "./contract.ts";

const write: Handler<typeof notes.write> = async (ctx, { text }) => {
  const [row] = await ctx.sql<{ id: number }>`
    INSERT INTO notes.note (text) VALUES (${text}) ON CONFLICT DO NOTHING RETURNING id`;
  if (row === undefined) throw ctx.faults.taken({ text });
  ctx.emit(notes.written, { text });
  return row;
};

const unseal: Handler<typeof notes.unseal> = async (ctx, { text }) => {
  await ctx.sql`UPDATE notes.note SET sealed = false WHERE text = ${text}`;
  return {};
};

const submit: Handler<typeof notes.submit> = (ctx, { text }) => ({ job: ctx.enqueue(notes.proofread, { text }) });

const proofread: Handler<typeof notes.proofread> = async (ctx, { text }) => {
  const [row] = await ctx.sql<{ sealed: boolean }>`SELECT sealed FROM notes.note WHERE text = ${text}`;
  if (row?.sealed) throw new Error(`"${text}" is sealed`);
};

const find: Handler<typeof notes.find> = async (ctx, { text }) => {
  const [row] = await ctx.sql<{ id: number }>`SELECT id FROM notes.note WHERE text = ${text}`;
  return { id: row?.id ?? null };
};

const tally: Handler<typeof notes.tally> = async (ctx) => {
  const rows = await ctx.sql<{ first_letter: string; note_count: number }>`SELECT * FROM notes.tally`;
  return { letters: Object.fromEntries(rows.map((row) => [row.first_letter, row.note_count])) };
};

const verify: Handler<typeof notes.verify> = async (ctx) => {
  const [row] = await ctx.sql<{ id: number | null }>`SELECT min(id) AS id FROM notes.note WHERE NOT sealed`;
  return { ok: row?.id == null, firstBrokenId: row?.id ?? null };
};

const ponder: Handler<typeof notes.ponder> = async (_ctx, { ms }) => {
  await setTimeout(ms);
  return { pondered: true };
};

const countLetter: EventHandler<typeof notes.written, typeof notes> = async (ctx, { text }) => {
  await ctx.sql`
    INSERT INTO notes.tally VALUES (${text.slice(0, 1)}, 1)
    ON CONFLICT (first_letter) DO UPDATE SET note_count = tally.note_count + 1`;
};

/** Fails until the note was unsealed, as a subscriber does whose own data is not in order. */
const refusePoison: EventHandler<typeof notes.written, typeof notes> = async (ctx, { text }) => {
  if (!text.startsWith("poison")) return;
  const [row] = await ctx.sql<{ sealed: boolean }>`SELECT sealed FROM notes.note WHERE text = ${text}`;
  if (row?.sealed) throw new Error("poison");
};

export const notesService = implement(notes, {
  migrations: new URL("./sql/", import.meta.url),
  commands: { write, unseal, submit },
  queries: { find, tally, ponder, verify },
  jobs: { proofread },
  subscriptions: { taste: on(notes.written, refusePoison, { attemptsMax: 1 }) },
  projections: { letterCount: { folds: [on(notes.written, countLetter)], reset: (sql) => sql`TRUNCATE notes.tally` } },
});

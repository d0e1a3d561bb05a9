import {
  type BatchHandler,
  batched,
  type EventHandler,
  type EventsHandler,
  type Handler,
  implement,
  on,
  onMany,
  type Service,
  type Sql,
} from "@banyan/kernel";
import { bank, desk } from "./contract.ts";

/** What goes wrong in handlers, of their own doing or of what they depend on. */
export interface Trouble {
  /** Throws where the handler of this event or job shall fail now. */
  strike(handler: string, reference: string): void;
}

type Uses = { trouble: Trouble };

function addTo(sql: Sql, account: string, amount: number): Promise<{ balance: number }[]> {
  return sql<{ balance: number }>`
    INSERT INTO bank.account AS a (id, balance) VALUES (${account}, ${amount})
    ON CONFLICT (id) DO UPDATE SET balance = a.balance + excluded.balance RETURNING balance`;
}

/** Locks rows in the order it was asked for, so that two transfers may be in each other's way. */
const transfer: Handler<typeof bank.transfer, Uses> = async (ctx, { reference, from, to, amount }) => {
  const [left] = await addTo(ctx.sql, from, -amount);
  if ((left?.balance ?? 0) < -1_000) throw ctx.faults.short({ account: from });
  await addTo(ctx.sql, to, amount);
  for (const [account, moved] of [
    [from, -amount],
    [to, amount],
  ] as const) {
    void ctx.sql`INSERT INTO bank.entry VALUES (${reference}, ${account}, ${moved})`;
    ctx.emit(bank.moved, { reference, account, amount: moved });
  }
  return { balance: left?.balance ?? 0 };
};

const credit: BatchHandler<typeof bank.credit, Uses> = async (ctx, items) => {
  const verdicts = [];
  for (const { input, emit } of items) {
    const { reference, account, amount } = input;
    if (amount < 0) {
      const [now] = await ctx.sql<{ balance: number }>`SELECT balance FROM bank.account WHERE id = ${account}`;
      if ((now?.balance ?? 0) + amount < -1_000) {
        verdicts.push(ctx.faults.short({ account }));
        continue;
      }
    }
    const [row] = await addTo(ctx.sql, account, amount);
    void ctx.sql`INSERT INTO bank.entry VALUES (${reference}, ${account}, ${amount})`;
    emit(bank.moved, input);
    verdicts.push({ balance: row?.balance ?? 0 });
  }
  return verdicts;
};

/** Reads before it writes, so that deliveries that shared a transaction at once are taken in turn. */
const note: EventHandler<typeof bank.moved, typeof desk, Uses> = async (ctx, movement) => {
  const { reference, account, amount } = movement;
  const { id, version } = ctx.delivery;
  await ctx.sql`SELECT count(*) FROM desk.note WHERE account = ${account}`;
  await ctx.sql`INSERT INTO desk.note VALUES (${reference}, ${account}, ${amount}, ${id}, ${version})`;
  ctx.uses.trouble.strike("note", reference);
  ctx.emit(desk.noted, movement);
  ctx.enqueue(desk.send, movement);
};

const confirm: EventHandler<typeof desk.noted, typeof bank, Uses> = async (ctx, { reference, account, amount }) => {
  ctx.uses.trouble.strike("confirm", reference);
  const { id, version } = ctx.delivery;
  await ctx.sql`INSERT INTO bank.confirmation VALUES (${reference}, ${account}, ${amount}, ${id}, ${version})`;
};

const total: EventsHandler<typeof bank.moved, typeof desk, Uses> = async (ctx, movements) => {
  await ctx.sql`
    INSERT INTO desk.total AS t (id, amount) SELECT id, sum(amount)
    FROM unnest(${movements.map(({ account }) => account)}::text[], ${movements.map(({ amount }) => amount)}::bigint[]) AS given (id, amount)
    GROUP BY id ON CONFLICT (id) DO UPDATE SET amount = t.amount + excluded.amount`;
};

const send: Handler<typeof desk.send, Uses> = async (ctx, { reference, account, amount }) => {
  await ctx.sql`INSERT INTO desk.letter VALUES (${reference}, ${account}, ${amount}, ${ctx.job.id})`;
  ctx.uses.trouble.strike("send", reference);
};

/** What one turn asks for. */
export const stampsOf = (turn: string) => [1, 2].map((number) => `${turn} ${number}`);

const close: Handler<typeof desk.close, Uses> = async (ctx) => {
  const { id } = ctx.job;
  await ctx.sql`INSERT INTO desk.closing VALUES (${id})`;
  ctx.uses.trouble.strike("close", id);
  for (const reference of stampsOf(id)) ctx.enqueue(desk.stamp, { reference });
};

const stamp: Handler<typeof desk.stamp, Uses> = async (ctx, { reference }) => {
  await ctx.sql`INSERT INTO desk.stamp VALUES (${reference})`;
  ctx.uses.trouble.strike("stamp", reference);
};

/** Both services, for one process. */
export function bankServices(trouble: Trouble): readonly Service[] {
  return [
    implement(bank, {
      uses: { trouble },
      commands: { transfer, credit: batched(credit) },
      subscriptions: { confirm: on(desk.noted, confirm, { attemptsMax: 3 }) },
    }),
    implement(desk, {
      uses: { trouble },
      jobs: { send, close, stamp },
      subscriptions: { note: on(bank.moved, note, { attemptsMax: 3 }) },
      projections: { total: { folds: [onMany(bank.moved, total)], reset: (sql) => sql`DELETE FROM desk.total` } },
    }),
  ];
}

import type { CommandTransaction, Store } from "@banyan/kernel/store";
import { dialectOf } from "../memory/dialect.ts";
import { commands } from "../memory/tables.ts";
import type { Wiring } from "../world/process.ts";
import type { World } from "../world/world.ts";

function withCommands(
  store: Store,
  change: (inner: CommandTransaction, budget: Parameters<Store["beginCommands"]>[1]) => Partial<CommandTransaction>,
): Store {
  return {
    ...store,
    beginCommands(keys, budget) {
      const inner = store.beginCommands(keys, budget);
      return { ...inner, ...change(inner, budget) };
    },
  };
}

/** State first, then the events in a transaction of their own. */
export function dualWrite(store: Store): Store {
  return withCommands(store, (inner, budget) => ({
    async commit({ events, ...closing }) {
      await inner.commit({ ...closing, events: [] });
      return store.beginCommands([], budget).commit({ events, jobs: [], commands: [] });
    },
  }));
}

const forget = "DELETE FROM banyan.command WHERE id = ANY (?)";

/** The record is looked up when the command begins; when it ends, it is written over whatever is there: there is no unique key. */
export const checkThenInsert: Wiring = {
  store: (store) =>
    withCommands(store, (inner) => ({
      async commit(closing) {
        await inner.sql({ sql: forget, parameters: [closing.commands.map(({ id }) => id)] });
        return inner.commit(closing);
      },
    })),
  log: (log) => log,
  dialect: dialectOf({
    [forget]: async (transaction, [ids]) => {
      for (const id of ids as Uint8Array[]) {
        await transaction.update(commands, Buffer.from(id).toString("hex"), () => undefined);
      }
      return [];
    },
  }),
};

/** Nothing waits for the disk before it is answered, on a server that dies often enough for somebody to see it. */
export function neverFlushed(store: Store, { database, weather }: World): Store {
  Object.assign(weather, { crash: 0.005 });
  const begin = database.begin.bind(database);
  database.begin = () => Object.assign(begin(), { isUnflushed: true });
  return store;
}

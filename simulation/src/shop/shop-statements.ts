import { type Dialect, dialectOf } from "../memory/dialect.ts";
import { keyOf } from "../memory/tables.ts";
import { shopNotes } from "./rows.ts";

/** What the shop's own handlers say. */
export const shopDialect: Dialect = dialectOf({
  "INSERT INTO shop.note VALUES (?, ?, ?)": async (transaction, [reference, name, parcel]) => {
    await transaction.insert(shopNotes, keyOf(String(reference), String(name)), Number(parcel));
    return [];
  },
});

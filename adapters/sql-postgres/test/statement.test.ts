import { expect, test } from "vitest";
import { sql, statement } from "../src/statement.ts";

test("a value never becomes SQL text", () => {
  const name = "'; DROP TABLE x; --";
  const built = sql`SELECT * FROM x WHERE name = ${name} AND n = ${2}`;
  expect(built).toEqual({ text: "SELECT * FROM x WHERE name = $1 AND n = $2", values: [name, 2] });
});

test("a literal has one text whatever its values, and a compiled query its own", () => {
  const build = (id: number) => sql`SELECT ${id}::int`;
  expect(build(1).text).toBe(build(2).text);
  expect(statement({ sql: "SELECT $1::int", parameters: [3] })).toEqual({ text: "SELECT $1::int", values: [3] });
});

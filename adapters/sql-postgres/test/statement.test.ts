import { expect, test } from "vitest";
import { sql, statement } from "../src/statement.ts";

test("a value never becomes SQL text", () => {
  const name = "'; DROP TABLE x; --";
  const built = sql`SELECT * FROM x WHERE name = ${name} AND n = ${2}`;
  expect(built.text).toBe("SELECT * FROM x WHERE name = $1 AND n = $2");
  expect(built.values).toEqual([name, 2]);
});

test("the same literal and the same text have the same name, another text another", () => {
  const build = (id: number) => sql`SELECT ${id}::int`;
  expect(build(1).name).toBe(build(2).name);
  expect(build(1).name).toBe(statement({ sql: "SELECT $1::int", parameters: [3] }).name);
  expect(build(1).name).not.toBe(statement("SELECT $1::text").name);
  expect(Buffer.byteLength(build(1).name)).toBeLessThan(64);
});

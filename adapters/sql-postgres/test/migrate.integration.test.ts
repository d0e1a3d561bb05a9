import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { connect } from "../src/connection.ts";
import { migrate } from "../src/migrate.ts";
import { sql } from "../src/statement.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let connection: Awaited<ReturnType<typeof connect>>;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  connection = await connect({ url: database.url });
  folder = await mkdtemp(join(tmpdir(), "banyan migrations "));
  await writeFile(join(folder, "000001-shop.sql"), "CREATE SCHEMA shop; CREATE TABLE shop.item (id int);");
});
afterEach(async () => {
  await connection.close();
  await database.drop();
  await rm(folder, { recursive: true });
});

const shop = () => [{ name: "shop", migrations: pathToFileURL(folder) }];
const applied = async () =>
  (await connection.run([sql`SELECT name FROM banyan.migration ORDER BY number`]))[0]?.rows.map((row) => row.name);

test("files are applied once, in order, new ones later", async () => {
  await migrate(connection, shop());
  await migrate(connection, shop());
  await writeFile(
    join(folder, "000002-size.sql"),
    "ALTER TABLE shop.item ADD COLUMN size int; INSERT INTO shop.item VALUES (1, 2);",
  );
  await migrate(connection, shop());
  expect(await applied()).toEqual(["000001-shop.sql", "000002-size.sql"]);
  expect((await connection.run([sql`SELECT * FROM shop.item`]))[0]?.rows).toEqual([{ id: 1, size: 2 }]);
});

test("a file that fails leaves nothing of itself, and its name in the message", async () => {
  await writeFile(join(folder, "000002-broken.sql"), "CREATE TABLE shop.half (id int); SELECT 1 / 0;");
  await expect(migrate(connection, shop())).rejects.toThrow(
    /shop's migration 000002-broken\.sql failed: division by zero/,
  );
  expect(await applied()).toEqual(["000001-shop.sql"]);
  expect((await connection.run([sql`SELECT to_regclass('shop.half') AS found`]))[0]?.rows[0]?.found).toBeNull();
});

test("a statement that the server cannot read is told by its line, a folder that is missing by its service", async () => {
  await writeFile(join(folder, "000002-typo.sql"), "CREATE TABLE shop.a (id int);\n\nCREATE TABEL shop.b (id int);\n");
  await expect(migrate(connection, shop())).rejects.toThrow(/000002-typo\.sql failed: line 3: syntax error at .*TABEL/);
  const elsewhere = [{ name: "shop", migrations: pathToFileURL(join(folder, "absent")) }];
  await expect(migrate(connection, elsewhere)).rejects.toThrow(/shop's migrations cannot be read: ENOENT.*absent/);
});

test("a file may not end its transaction", async () => {
  await writeFile(join(folder, "000002-commit.sql"), "COMMIT;");
  await expect(migrate(connection, shop())).rejects.toThrow(/leave BEGIN, COMMIT and ROLLBACK out/);
});

test("an edited or renamed applied file is refused by name", async () => {
  await migrate(connection, shop());
  await rename(join(folder, "000001-shop.sql"), join(folder, "000001-store.sql"));
  await expect(migrate(connection, shop())).rejects.toThrow(
    /000001-store\.sql is not what was applied as 000001-shop\.sql/,
  );
  await rename(join(folder, "000001-store.sql"), join(folder, "000001-shop.sql"));
  await writeFile(join(folder, "000001-shop.sql"), "CREATE SCHEMA shop; -- and no table");
  await expect(migrate(connection, shop())).rejects.toThrow(
    /shop's migration 000001-shop\.sql is not what was applied/,
  );
});

test("an older program is refused, and so is a gap", async () => {
  await writeFile(join(folder, "000002-more.sql"), "SELECT 1");
  await migrate(connection, shop());
  await rm(join(folder, "000002-more.sql"));
  await expect(migrate(connection, shop())).rejects.toThrow(/000002-more\.sql.*start the newer program/);
  await writeFile(join(folder, "000003-gap.sql"), "SELECT 1");
  await expect(migrate(connection, shop())).rejects.toThrow(/000003-gap\.sql should be 000002-/);
});

test("processes that start together migrate once", async () => {
  const connections = await Promise.all([1, 2, 3, 4].map(() => connect({ url: database.url })));
  await Promise.all(connections.map((each) => migrate(each, shop())));
  expect(await applied()).toEqual(["000001-shop.sql"]);
  await Promise.all(connections.map((each) => each.close()));
});

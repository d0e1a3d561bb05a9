import { describe, expect, test } from "vitest";
import { describeModuleGraph } from "../tidy/deps.ts";
import { readHouse } from "../tidy/house.ts";
import { type RuleName, rules } from "../tidy/rules.ts";
import { temporaryFolder } from "./temporary-folder.ts";

type Files = Record<string, string>;

const manifest = (name: string, exports: Files = { ".": "./src/index.ts" }, more: object = {}): string =>
  JSON.stringify({ name, version: "0.1.0", exports, ...more });

/** A small house that keeps every rule; `files` adds to it or replaces. */
function houseWith(files: Files) {
  const root = temporaryFolder({
    "package.json": JSON.stringify({ workspaces: ["kernel", "conformance", "adapters/*", "systems/*/*", "tools"] }),
    "kernel/package.json": manifest("@banyan/kernel"),
    "kernel/src/index.ts": 'export { call } from "./call.ts";\n',
    "kernel/src/call.ts": "/** Calls. */\nexport function call(): void {}\n",
    "adapters/disk/package.json": manifest("@banyan/disk"),
    "adapters/disk/src/index.ts":
      'import { call } from "@banyan/kernel";\n/** Writes. */\nexport const write = call;\n',
    "adapters/tape/package.json": manifest("@banyan/tape"),
    "adapters/tape/src/index.ts": "/** Winds. */\nexport function wind(): void {}\n",
    "systems/shop/orders/package.json": manifest("@banyan/orders", {
      ".": "./src/index.ts",
      "./contract": "./src/contract.ts",
    }),
    "systems/shop/orders/src/index.ts": 'export { orders } from "./contract.ts";\n',
    "systems/shop/orders/src/contract.ts": '/** Orders. */\nexport const orders = "orders";\n',
    "systems/shop/orders/sql/000001-orders.sql": "CREATE TABLE orders.placed (id bigint);\n",
    "systems/shop/cart/package.json": manifest("@banyan/cart", { "./contract": "./src/contract.ts" }),
    "systems/shop/cart/src/contract.ts": '/** Carts. */\nexport const cart = "cart";\n',
    ...files,
  });
  return readHouse(root);
}

const subjects = (rule: RuleName, files: Files): string[] =>
  rules[rule](houseWith(files)).map(({ subject }) => subject);

test("a tidy house keeps every rule", () => {
  const house = houseWith({});
  expect(Object.values(rules).flatMap((rule) => rule(house))).toEqual([]);
});

describe("dependencyDirection", () => {
  const orders = "systems/shop/orders/src/place.ts";
  test.each([
    ["the kernel imports an adapter", "kernel/src/a.ts", "@banyan/disk"],
    ["a service imports an adapter", orders, "@banyan/disk"],
    ["an adapter imports another", "adapters/tape/src/a.ts", "@banyan/disk"],
    ["a package reaches into another's files", orders, "../../../../kernel/src/call.ts"],
    ["a type is imported the wrong way", "kernel/src/a.ts", "@banyan/disk"],
  ])("refuses that %s", (_, path, specifier) => {
    const text = `import type { x } from "${specifier}";\n`;
    expect(subjects("dependencyDirection", { [path]: text })).toEqual([path]);
  });

  test("lets a service use another's contract, but nothing else of it", () => {
    const cart = "systems/shop/cart/src/a.ts";
    expect(subjects("dependencyDirection", { [cart]: 'import { orders } from "@banyan/orders/contract";\n' })).toEqual(
      [],
    );
    expect(subjects("dependencyDirection", { [cart]: 'import { orders } from "@banyan/orders";\n' })).toEqual([cart]);
  });

  test("lets adapters of one engine share how to reach it", () => {
    const files = {
      "adapters/disk-client/package.json": manifest("@banyan/disk-client"),
      "adapters/disk-client/src/index.ts": "/** Opens. */\nexport function open(): void {}\n",
      "adapters/disk/src/a.ts": 'import "@banyan/disk-client";\n',
    };
    expect(subjects("dependencyDirection", files)).toEqual([]);
  });

  test("lets a test of the kernel use an adapter", () => {
    expect(subjects("dependencyDirection", { "kernel/test/a.test.ts": 'import "@banyan/disk";\n' })).toEqual([]);
  });
});

test("importCycles finds a cycle of types only", () => {
  const files = {
    "kernel/src/a.ts": 'import type { B } from "./b.ts";\nexport type A = B;\n',
    "kernel/src/b.ts": 'import { type A } from "./a.ts";\nexport type B = A;\n',
  };
  const [violation] = rules.importCycles(houseWith(files));
  expect(violation?.message).toBe("import cycle: kernel/src/a.ts -> kernel/src/b.ts -> kernel/src/a.ts");
});

test("importCycles follows a package's name back to its files", () => {
  const files = {
    "kernel/src/call.ts": 'import { write } from "@banyan/disk";\n/** Calls. */\nexport const call = write;\n',
  };
  expect(subjects("importCycles", files)).toHaveLength(1);
});

test("bannedNames finds files, folders and exports that say nothing", () => {
  const files = {
    "kernel/src/utils.ts": "",
    "kernel/src/shared/a.ts": "",
    "kernel/src/b.ts": "export class OrderManager {}\nexport interface IThing {}\nexport interface Invalid {}\n",
  };
  expect(subjects("bannedNames", files).sort()).toEqual([
    "kernel/src/b.ts IThing",
    "kernel/src/b.ts OrderManager",
    "kernel/src/shared/a.ts",
    "kernel/src/utils.ts",
  ]);
});

test("fileSizes finds the 501st line, folderSizes the 16th file", () => {
  expect(
    subjects("fileSizes", { "kernel/src/long.ts": "\n".repeat(501), "kernel/src/fits.ts": "\n".repeat(500) }),
  ).toEqual(["kernel/src/long.ts"]);
  const files = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`kernel/src/many/f${i}.ts`, ""]));
  expect(subjects("folderSizes", files(15))).toEqual([]);
  expect(subjects("folderSizes", files(16))).toEqual(["kernel/src/many"]);
});

test("entryExports finds the 26th name and export *", () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `export const n${i} = ${i};`).join("\n");
  expect(subjects("entryExports", { "kernel/src/index.ts": names(25) })).toEqual([]);
  expect(subjects("entryExports", { "kernel/src/index.ts": names(26) })).toEqual(["kernel/src/index.ts"]);
  expect(subjects("entryExports", { "kernel/src/index.ts": 'export * from "./call.ts";' })).toEqual([
    "kernel/src/index.ts",
  ]);
});

test("entriesAreForOthers finds a re-export inside a package and an import of its own entry", () => {
  const files = {
    "kernel/src/barrel.ts": 'export { call } from "./call.ts";\n',
    "kernel/src/inward.ts": 'import { call } from "./index.ts";\nexport const a = call;\n',
    "kernel/src/by-name.ts": 'import { call } from "@banyan/kernel";\nexport const b = call;\n',
  };
  expect(subjects("entriesAreForOthers", files).sort()).toEqual([
    "kernel/src/barrel.ts",
    "kernel/src/by-name.ts",
    "kernel/src/inward.ts",
  ]);
});

test("docstrings follows an entry's names to where they are declared", () => {
  const files = {
    "kernel/src/index.ts": 'export { call, end as stop } from "./call.ts";\n',
    "kernel/src/call.ts":
      "/** Calls. */\nexport function call(): void {}\n// Ends.\nfunction end() {}\nexport { end };\n",
  };
  expect(subjects("docstrings", files)).toEqual(["kernel/src/call.ts end"]);
});

test("portsHaveTwoImplementations counts the tests that run a suite", () => {
  const run = 'import { storeConformance } from "@banyan/conformance";\nstoreConformance();\n';
  const files = {
    "conformance/package.json": manifest("@banyan/conformance"),
    "conformance/src/index.ts": "/** Tests a store. */\nexport function storeConformance(): void {}\n",
    "adapters/disk/test/conformance.test.ts": run,
  };
  expect(subjects("portsHaveTwoImplementations", files)).toEqual(["storeConformance"]);
  const two = { ...files, "kernel/test/memory-store.test.ts": run };
  expect(subjects("portsHaveTwoImplementations", two)).toEqual([]);
});

test("sqlSchemas finds another service's table, the kernel's, and a table without a schema", () => {
  const path = "systems/shop/cart/src/read.ts";
  const sql = (text: string) => ({ [path]: `export const q = sql\`${text}\`;\n` });
  expect(subjects("sqlSchemas", sql("SELECT 1 FROM cart.item i JOIN orders.placed p ON p.id = i.id"))).toEqual([path]);
  expect(subjects("sqlSchemas", sql("DELETE FROM banyan.outbox"))).toEqual([path]);
  expect(subjects("sqlSchemas", sql("SELECT extract(epoch FROM i.at) FROM cart.item i"))).toEqual([]);
  const migration = "systems/shop/cart/sql/000001-cart.sql";
  expect(subjects("sqlSchemas", { [migration]: "CREATE TABLE IF NOT EXISTS item (id bigint);\n" })).toEqual([
    migration,
  ]);
});

test("noUnfinishedMarks, noMachinePaths and noModuleMocks find their words in code and prose", () => {
  expect(subjects("noUnfinishedMarks", { "docs/a.md": "Later. TODO\n" })).toEqual(["docs/a.md"]);
  expect(subjects("noMachinePaths", { "kernel/src/a.ts": 'const path = "/home/ada/banyan";\n' })).toEqual([
    "kernel/src/a.ts",
  ]);
  expect(subjects("noModuleMocks", { "kernel/test/a.test.ts": 'vi.mock("node:fs");\n' })).toEqual([
    "kernel/test/a.test.ts",
  ]);
});

test("links finds a file and a heading that are not there, and leaves code and the web alone", () => {
  const files = {
    "README.md":
      "# Hello, World!\n[a](docs/a.md#the-end) [b](#hello-world) [c](https://example.org)\n```\n[d](gone.md)\n```\n",
    "docs/a.md": "# The end\n",
  };
  expect(subjects("links", files)).toEqual([]);
  const broken = { ...files, "docs/a.md": "[x](../README.md#nothing) [y](missing.md)\n# Start\n" };
  expect(subjects("links", broken)).toEqual(["README.md", "docs/a.md", "docs/a.md"]);
});

test("the module graph names folders and libraries, and leaves tests and Node's modules out", () => {
  const house = houseWith({
    "kernel/src/call/start.ts":
      'import "node:fs";\nimport { z } from "zod/mini";\nimport { call } from "../call.ts";\n',
    "kernel/test/a.test.ts": 'import "vitest";\n',
  });
  expect(describeModuleGraph(house)).toBe(
    "adapters/disk/src -> kernel/src\nkernel/src/call -> kernel/src\nkernel/src/call -> zod\n",
  );
});

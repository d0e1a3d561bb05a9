import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig, locateConfig } from "../src/project/config.ts";
import { dataFolderOf } from "../src/project/data-folder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "banyan config "));
});
afterEach(() => rmSync(folder, { recursive: true }));
const service = `{ contract: { name: "orders" }, handlers: new Map() }`;
const write = (text: string) => writeFileSync(join(folder, "banyan.config.mjs"), text);

test("the nearest configuration is found from a folder below it, with its defaults", async () => {
  write(`export default { services: [${service}] };`);
  const below = join(folder, "a/b");
  mkdirSync(below, { recursive: true });
  const path = locateConfig(below);
  expect(path).toBe(join(folder, "banyan.config.mjs"));
  expect(dataFolderOf(path, {}).path).toBe(join(folder, ".banyan"));
  expect(await loadConfig(path)).toMatchObject({ port: 3000, host: "127.0.0.1", checks: [] });
});

test.each([
  ["export default { services: [] };", "services"],
  [`export default { services: [${service}], prot: 1 };`, "prot"],
  [`export default { services: [{}] };`, "implement"],
  [`export default { services: [${service}], port: 70000 };`, "port"],
  [`export default { services: [${service}], retention: { eventDays: 3 } };`, "at least replayDays"],
  ["export const config = {};", "default export"],
])("%s is refused with the key that is wrong", async (text, named) => {
  write(text);
  await expect(loadConfig(locateConfig(folder))).rejects.toThrow(named);
});

test("a file that cannot be loaded is named", async () => {
  write("import nothing from './missing.mjs';");
  await expect(loadConfig(locateConfig(folder))).rejects.toThrow(/banyan\.config\.mjs.*missing\.mjs/s);
});

test("what the project's modules throw is told with their own lines, without those of Node", async () => {
  write('function make() {\n  throw new Error("no such bean");\n}\nexport default make();');
  const failure: Error = await loadConfig(locateConfig(folder)).catch((error) => error);
  expect(failure.message).toMatch(/no such bean\n\s+at make \(.*banyan\.config\.mjs:2:9\)/);
  expect(failure.message).not.toContain("node:internal");
});

test("no configuration at all says where was looked", () => {
  expect(() => locateConfig(folder)).toThrow(folder);
});

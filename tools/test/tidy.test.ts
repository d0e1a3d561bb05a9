import { dirname } from "node:path";
import { expect, test } from "vitest";
import { allowlist } from "../tidy/allowlist.ts";
import { describeModuleGraph } from "../tidy/deps.ts";
import { readHouse } from "../tidy/house.ts";
import { type RuleName, rules } from "../tidy/rules.ts";

const house = readHouse(dirname(dirname(import.meta.dirname)));

for (const rule of Object.keys(rules) as RuleName[]) {
  test(`the project keeps ${rule}`, () => {
    const allowed = allowlist.filter((exception) => exception.rule === rule).map(({ subject }) => subject);
    const unexpected = rules[rule](house).filter(({ subject }) => !allowed.includes(subject));
    expect(unexpected.map(({ subject, message }) => `${subject}: ${message}`)).toEqual([]);
  });
}

test("every exception in the allowlist is still needed", () => {
  const stale = allowlist.filter(({ rule, subject }) => !rules[rule](house).some((one) => one.subject === subject));
  expect(stale).toEqual([]);
});

test("deps.txt is the module graph; `npm test -- tools/test/tidy.test.ts -u` accepts a new edge", async () => {
  await expect(describeModuleGraph(house)).toMatchFileSnapshot("../../deps.txt");
});

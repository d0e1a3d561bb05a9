import { describe, expect, test } from "vitest";
import { parseCamt } from "../src/camt.ts";
import { parsePain001 } from "../src/payment/pain001.ts";
import { camt053, statement } from "./camt-document.ts";

const attacks: [string, string, RegExp][] = [
  [
    "an external entity",
    camt053(statement({ id: "&x;" })).replace("?>", '?><!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    /DOCTYPE is refused/,
  ],
  [
    "a billion laughs",
    camt053(statement({ id: "&c;" })).replace(
      "?>",
      '?><!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
    ),
    /DOCTYPE is refused/,
  ],
  [
    "an external DTD",
    camt053(statement()).replace("?>", '?><!DOCTYPE Document SYSTEM "http://localhost:1/x.dtd">'),
    /DOCTYPE is refused/,
  ],
  ["an undeclared entity", camt053(statement({ id: "&nbsp;" })), /not well-formed/],
  ["20,000 elements inside each other", camt053("<a>".repeat(20_000)), /nest deeper than 64/],
  ["10 MB of text in one element", camt053(statement({ id: "x".repeat(10_000_000) })), /exceeds 65536 characters/],
  ["10 MB in one attribute", camt053(`<a b="${"x".repeat(10_000_000)}"/>`), /exceeds 65536 characters/],
  [
    "10,000 attributes",
    camt053(`<a ${Array.from({ length: 10_000 }, (_, at) => `a${at}=""`).join(" ")}/>`),
    /more than 32 attributes/,
  ],
  ["a control character", camt053(statement({ id: "\u0000" })), /not well-formed/],
  ["two roots", `${camt053(statement())}<b/>`, /not well-formed/],
];

// Not by the wall clock, which also counts what other programs do.
function cpuMsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
}

describe.each(attacks)("%s", (_, document, reason) => {
  test("is refused with its line, quickly and without growing", () => {
    const before = process.memoryUsage().heapUsed;
    const began = process.cpuUsage();
    const problem = parseCamt(document).problems.at(-1);
    expect(problem?.reason).toMatch(reason);
    expect(problem?.line).toBeGreaterThan(0);
    expect(problem?.reason.length).toBeLessThan(300);
    expect(cpuMsSince(began)).toBeLessThan(500);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(150_000_000);
  });

  test("is refused by the reader of payments too", () => {
    const { payments, problems } = parsePain001(document.replaceAll("camt.053.001.02", "pain.001.001.09"));
    expect(payments).toEqual([]);
    expect(problems.length).toBeGreaterThan(0);
  });
});

test("what stands in a statement cannot name a property of ours", () => {
  const { statements } = parseCamt(
    camt053(statement({ inner: "<__proto__><x>1</x></__proto__><constructor>1</constructor>" })),
  );
  expect(statements[0]?.ties).toBe(true);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
});

test("a statement of 20,000 entries is read in seconds", () => {
  const entry = `<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts></Ntry>\n`;
  const began = process.cpuUsage();
  const { statements } = parseCamt(
    camt053(statement({ opening: "0.00", closing: "20000.00", entries: entry.repeat(20_000) })),
  );
  expect(statements[0]).toMatchObject({ ties: true, entries: { length: 20_000 } });
  expect(cpuMsSince(began)).toBeLessThan(10_000);
});

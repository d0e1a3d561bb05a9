import { readFileSync } from "node:fs";

/** Names every skipped test of vitest's JSON report; fails when one is skipped for real data that should be here. */
type Report = { testResults: { assertionResults: { status: string; fullName: string }[] }[] };

const [path = ""] = process.argv.slice(2);
const { testResults } = JSON.parse(readFileSync(path, "utf8")) as Report;
const skipped = testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status }) => status === "skipped" || status === "pending")
  .map(({ fullName }) => fullName.trim());
const lacking = skipped.filter((name) => name.includes("../shared/data"));

for (const name of skipped) console.log(`skipped: ${name}`);
if (lacking.length > 0) {
  console.error(`${lacking.length} test(s) were skipped for want of ../shared/data: put it beside the checkout.`);
  process.exitCode = 1;
}

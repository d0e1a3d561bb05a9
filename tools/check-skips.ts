import { readFileSync } from "node:fs";

/** Names every skipped test of vitest's JSON report; fails when one is skipped for real data or a server that should be here. */
type Report = { testResults: { assertionResults: { status: string; fullName: string }[] }[] };

const [path = ""] = process.argv.slice(2);
const { testResults } = JSON.parse(readFileSync(path, "utf8")) as Report;
const skipped = testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status }) => status === "skipped" || status === "pending")
  .map(({ fullName }) => fullName.trim());
const lacking = skipped.filter((name) => name.includes("../shared/data"));
const serverless = skipped.filter((name) => name.includes("BANYAN_TEST_"));

for (const name of skipped) console.log(`skipped: ${name}`);
if (lacking.length > 0) {
  console.error(`${lacking.length} test(s) were skipped for want of ../shared/data: put it beside the checkout.`);
  process.exitCode = 1;
}
if (serverless.length > 0) {
  console.error(
    `${serverless.length} suite(s) were skipped for want of a real server: name it in .ci/run (servers=…).`,
  );
  process.exitCode = 1;
}

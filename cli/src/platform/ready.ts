import { bold, dim, duration, table } from "../output/terminal.ts";
import type { Served } from "./serve.ts";

/** For programs, one line. The key itself only where it is new: afterwards it lies in `keyFile`. */
export function readyJson({ url, steps, key, keyFile, config, notes }: Served): object {
  return {
    ready: true,
    title: config.title,
    url,
    docs: `${url}/docs`,
    pid: process.pid,
    notes,
    tookMs: Math.round(performance.now()),
    ...(key.from === "environment" ? {} : { apiKeyFile: keyFile }),
    ...(key.from === "new" && { apiKey: key.key }),
    steps: steps.done.map(({ name, detail, tookMs }) => ({ name, detail, tookMs: Math.round(tookMs) })),
  };
}

/** For people: what runs where, how long each took, where to go from here. */
export function readyText(served: Served): string {
  const { url, steps, config, notes } = served;
  const rows = steps.done.map(({ name, detail, tookMs }) => [`  ${name}`, detail, duration(tookMs)]);
  const ways = [
    ["  Address", url],
    ["  Reference", `${url}/docs`],
    ["  API key", keyText(served)],
  ];
  const key = served.key.from === "environment" ? "$BANYAN_API_KEY" : `$(cat ${quoted(served.keyFile)})`;
  const examples = config.examples?.({ url, key }) ?? [];
  const tries = examples.length === 0 ? [] : ["  Worth trying", ...examples.map((line) => `    ${line}`), ""];
  return [
    "",
    bold(config.title),
    table(rows, [2]),
    "",
    table(ways),
    "",
    ...tries,
    ...notes.map((line) => `  ${line}`),
    `Ready in ${(performance.now() / 1000).toFixed(1)} s`,
  ].join("\n");
}

function keyText({ key, keyFile }: Served): string {
  if (key.from === "environment") return `the one in BANYAN_API_KEY`;
  if (key.from === "new") return `${key.key}  ${dim(`(new; shown once, kept in ${keyFile})`)}`;
  return `…${key.key.slice(-4)}  ${dim(`(kept in ${keyFile})`)}`;
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

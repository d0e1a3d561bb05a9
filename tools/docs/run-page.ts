import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Sample } from "./samples.ts";

const run = promisify(execFile);
const sampleTimeoutMs = 120_000;

/**
 * Runs a page's samples in order: TypeScript beside the page's other files in `folder`, which has to lie in the project to
 * find its packages; shell there too where the page has files, else from the project's root. Throws at the first that fails, with its line and its output.
 */
export async function runPage(samples: Sample[], { root, folder }: { root: string; folder: string }): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const hasFiles = samples.some(({ does }) => does === "file");
  let printed = "";
  for (const sample of samples) {
    if (sample.does === "prints") expectPrinted(sample, printed);
    else if (sample.does === "file") writeFile(join(folder, sample.name), sample.code);
    else printed = await runSample(sample, { root, folder, shellFolder: hasFiles ? folder : root });
  }
  if (samples.some(({ language }) => language === "ts")) await checkTypes(root, folder);
}

interface Folders {
  readonly root: string;
  readonly folder: string;
  readonly shellFolder: string;
}

async function runSample(sample: Sample, folders: Folders): Promise<string> {
  const { root } = folders;
  const [command, args, cwd] = commandFor(sample, folders);
  const PATH = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
  const options = { cwd, env: { ...process.env, PATH }, timeout: sampleTimeoutMs };
  const result = await run(command, args, options).catch((failure: { stdout: string; stderr: string }) => {
    throw new Error(`line ${sample.line}: the sample failed:\n${sample.code}\n${failure.stdout}${failure.stderr}`);
  });
  return result.stdout;
}

function commandFor(sample: Sample, { folder, shellFolder }: Folders): [string, string[], string] {
  if (sample.language === "sh") return ["bash", ["-euo", "pipefail", "-c", sample.code], shellFolder];
  if (sample.language !== "ts") throw new Error(`line ${sample.line}: sh and ts run, ${sample.language} does not`);
  const file = join(folder, `line-${sample.line}.ts`);
  writeFile(file, sample.code);
  return [process.execPath, [file], folder];
}

function writeFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function expectPrinted({ code, line }: Sample, printed: string): void {
  let from = 0;
  for (const expected of code.trimEnd().split("\n")) {
    const at = printed.indexOf(expected.trimEnd(), from);
    if (at < 0) throw new Error(`line ${line}: the sample before did not print\n  ${expected}\nbut\n${printed}`);
    from = at + expected.trimEnd().length;
  }
}

async function checkTypes(root: string, folder: string): Promise<void> {
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["**/*.ts"], exclude: [] }));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [compiler, "--checkers", "1", "-p", config]).catch((failure: { stdout: string }) => {
    throw new Error(`The page's TypeScript does not type-check:\n${failure.stdout}`);
  });
}

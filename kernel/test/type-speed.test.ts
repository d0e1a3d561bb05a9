import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

// Below node_modules, so that the generated files resolve packages as a service's would, and git never sees them.
const root = fileURLToPath(new URL("../../", import.meta.url));
mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
const folder = mkdtempSync(join(root, "node_modules/.cache/type-speed-"));
afterAll(() => rmSync(folder, { recursive: true }));

const services = 50;
const actionsEach = 20;

function contractSource(service: number): string {
  const actions = Array.from({ length: actionsEach }, (_, n) => {
    const input = `z.strictObject({ reference: z.string(), count: z.int().min(${n}), tags: z.array(z.string()).optional() })`;
    return `    act${n}: command({ input: ${input}, output: z.object({ id: z.string(), total: z.int() }), faults: ["full"], access: "s${service}:write" }),`;
  });
  return `import { command, defineContract, event, fault, type Handler, implement, query } from "@banyan/kernel";
import { z } from "zod";
export const s${service} = defineContract("s${service}", {
  faults: { full: fault("conflict", z.strictObject({ left: z.int() })) },
  commands: {
${actions.join("\n")}
  },
  queries: { look: query({ input: z.strictObject({ id: z.string() }), output: z.object({ id: z.string() }), access: "public" }) },
  events: { acted: event({ data: z.strictObject({ id: z.string() }), key: ({ id }) => id }) },
});
`;
}

function handlerSource(service: number): string {
  const names = Array.from({ length: actionsEach }, (_, n) => `act${n}`);
  const handlers = names.map(
    (name) => `const ${name}: Handler<typeof s${service}.${name}> = async (ctx, input) => {
  const found = await ctx.call(s${service}.look, { id: input.reference });
  if (input.count > 5) throw ctx.faults.full({ left: input.count });
  ctx.emit(s${service}.acted, { id: found.id });
  return { id: found.id, total: input.count };
};`,
  );
  return `${handlers.join("\n")}
export const service${service} = implement(s${service}, { commands: { ${names.join(", ")} }, queries: { look: (_ctx, { id }) => ({ id }) } });
`;
}

// Seconds depend on the machine; instantiations do not: 1,015 an action when this was written.
test("the types of 1,000 actions with their handlers stay cheap to check", () => {
  const files = Array.from({ length: services }, (_, service) => `s${service}.ts`);
  for (const [service, file] of files.entries())
    writeFileSync(join(folder, file), contractSource(service) + handlerSource(service));
  const compilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: "es2024",
    module: "nodenext",
    types: ["node"],
    allowImportingTsExtensions: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const tsc = fileURLToPath(import.meta.resolve("typescript/package.json")).replace("package.json", "bin/tsc");
  const printed = execFileSync(process.execPath, [tsc, "-p", folder, "--checkers", "1", "--extendedDiagnostics"], {
    encoding: "utf8",
  });
  const instantiations = Number(/Instantiations:\s+(\d+)/.exec(printed)?.[1]);
  expect(instantiations / (services * actionsEach)).toBeLessThan(1_500);
}, 120_000);

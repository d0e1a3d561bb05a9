import { diagnose } from "../diagnosis/diagnose.ts";
import { exitCodes } from "../failure.ts";
import { print, printJson, table } from "../output/terminal.ts";

/** Checks the machine and the project; exit code 1 where something is wrong. */
export async function doctor({ json }: { readonly json?: boolean }): Promise<void> {
  const findings = await diagnose();
  const ok = findings.every((finding) => finding.ok);
  if (json) printJson({ ok, checks: findings });
  else {
    print(table(findings.map(({ name, ok: fine, detail }) => [fine ? "ok" : "WRONG", name, detail])));
    for (const { name, advice } of findings) if (advice !== undefined) print(`\n${name}: ${advice}`);
    print(ok ? "\nNothing is wrong." : "");
  }
  if (!ok) process.exitCode = exitCodes.failed;
}

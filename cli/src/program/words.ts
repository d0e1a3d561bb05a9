/** The option that every command has which prints something. */
export const json = ["--json", "print JSON for programs; notes and errors go to stderr"] as const;

/** What `--help` shows at its end. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** The option that every command has which prints something. */
export const json = ["--json", "print JSON for programs; notes and errors go to stderr"] as const;

/** The options of a command that can be told which server to ask. */
export const url = ["--url <url>", "a running server elsewhere, as in http://127.0.0.1:3000"] as const;
export const key = ["--key <key>", "its API key; default: BANYAN_API_KEY"] as const;

/** What `--help` shows at its end. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

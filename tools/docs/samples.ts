/** A fenced block of a Markdown page that is more than an illustration. `line` is where its code starts, from 1. */
export type Sample = { line: number; language: string; code: string } & (
  | { does: "runs" }
  | { does: "prints" }
  | { does: "file"; name: string }
);

/**
 * Finds the samples of a page. An HTML comment on the line before a fence says what a block does:
 * `<!-- runs -->` (sh or ts) it is run and must exit 0; `<!-- prints -->` each of its lines, in this order, is found
 * in what the block before printed; `<!-- file: name.ts -->` it is written to that file, for the blocks after it.
 */
export function findSamples(markdown: string): Sample[] {
  const lines = markdown.split("\n");
  return lines.flatMap((line, index): Sample[] => {
    const mark = /^<!-- (runs|prints|file: (\S+)) -->$/.exec(line);
    if (mark === null) return [];
    const language = /^```(\w+)$/.exec(lines[index + 1] ?? "")?.[1];
    const length = lines.slice(index + 2).findIndex((one) => one.trimEnd() === "```");
    if (language === undefined || length < 0)
      throw new Error(`line ${index + 1}: ${line} needs a fence with a language below`);
    const block = { line: index + 3, language, code: `${lines.slice(index + 2, index + 2 + length).join("\n")}\n` };
    const [, does, name] = mark;
    if (name !== undefined) return [{ ...block, does: "file", name }];
    return [{ ...block, does: does === "runs" ? "runs" : "prints" }];
  });
}

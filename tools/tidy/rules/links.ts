import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import type { House, Violation } from "../house.ts";

/** Every relative link of a Markdown file leads to a file, and its anchor to a heading. */
export function links(house: House): Violation[] {
  return house.files
    .filter(({ path }) => path.endsWith(".md"))
    .flatMap(({ path, text }) =>
      [...withoutCode(text).matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|\b(?:src|srcset)="([^"]+)"/g)].flatMap(
        ([, link, image]) => {
          const problem = problemOf(house, path, link ?? image ?? "");
          return problem === undefined ? [] : [{ subject: path, message: `${link ?? image}: ${problem}` }];
        },
      ),
    );
}

function problemOf(house: House, from: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [target = "", anchor] = link.split("#");
  const path = target === "" ? from : posix.join(posix.dirname(from), target);
  if (!existsSync(join(house.root, path))) return "leads nowhere";
  const file = house.files.find((one) => one.path === path);
  if (anchor === undefined || file === undefined || !path.endsWith(".md")) return undefined;
  return headings(file.text).includes(anchor) ? undefined : "no such heading";
}

/** Headings as GitHub turns them into anchors. */
function headings(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+\s+(.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
}

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, "");

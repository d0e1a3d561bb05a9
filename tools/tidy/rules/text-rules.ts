import type { House, Violation } from "../house.ts";

/** Tidy's own files write the words down in order to find them. */
const isTidyItself = (path: string): boolean => /^tools\/(tidy|test\/tidy)/.test(path);

/** Nothing is left unfinished: what is missing is an issue. */
export function noUnfinishedMarks(house: House): Violation[] {
  return matches(house, /\b(TODO|FIXME|HACK)\b/, "an unfinished mark: finish it or open an issue");
}

/** No path of the machine that it was written on. */
export function noMachinePaths(house: House): Violation[] {
  return matches(house, /(?<![\w.])\/(work|farm|root|Users\/\w+|home\/(?!node\b)\w+)\//, "a path of one machine");
}

/** A fake is an implementation that passes the suite; modules are not replaced under a test. */
export function noModuleMocks(house: House): Violation[] {
  return matches(house, /\bvi\.(mock|doMock|hoisted)\(/, "replaces a module: inject an implementation");
}

function matches(house: House, pattern: RegExp, message: string): Violation[] {
  return house.files.flatMap(({ path, text }) =>
    isTidyItself(path)
      ? []
      : text
          .split("\n")
          .flatMap((line, index) =>
            pattern.test(line) ? [{ subject: path, message: `line ${index + 1}: ${message}` }] : [],
          ),
  );
}

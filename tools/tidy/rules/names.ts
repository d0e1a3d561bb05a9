import type { House, Violation } from "../house.ts";

const emptyWords = new Set(["util", "utils", "helper", "helpers", "common", "shared", "misc", "manager", "stuff"]);

/** Files, folders and exports have a name that says what they are. */
export function bannedNames(house: House): Violation[] {
  const paths = house.files.flatMap(({ path }) => {
    const word = path.split(/[/.-]/).find((part) => emptyWords.has(part.toLowerCase()));
    return word === undefined ? [] : [{ subject: path, message: `"${word}" says nothing: name what is in it` }];
  });
  const exports = house.sources.flatMap(({ path, exports }) =>
    exports
      .filter(({ name }) => /(Manager|Helpers?|Utils?)$|^I[A-Z][a-z]|^data\d+$/.test(name))
      .map(({ name }) => ({ subject: `${path} ${name}`, message: "the name hides what it is" })),
  );
  return [...paths, ...exports];
}

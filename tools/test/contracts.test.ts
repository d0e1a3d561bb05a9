import { snapshotOf } from "@banyan/kernel/versions";
import { workflowRuns } from "@banyan/kernel/workflows";
import { expect, test } from "vitest";

type JsonSchema = Readonly<Record<string, unknown>>;
interface Project {
  readonly default: { readonly services: readonly { readonly contract: typeof workflowRuns.contract }[] };
}
const projects = ["../../banyan.config.ts", "../../systems/user-events/app/banyan.config.ts"];
const isTime = (name: string) => /^(at|since|until)$|(At|Since|Until)$/.test(name);
/** Numbers, and no times: the lag from which on it is told. */
const otherNumbers = ["events.alertAtLag.alertAt"];

/** The largest alone are what it is asked for. */
const noPages = ["events.rollups"];

/** Every field below a schema, by its path, with what may stand there. */
function fieldsOf(schema: JsonSchema, path: string): { readonly path: string; readonly type: unknown }[] {
  return Object.entries(schema).flatMap(([key, part]) => {
    if (typeof part !== "object" || part === null) return [];
    if (key !== "properties") return fieldsOf(part as JsonSchema, path);
    return Object.entries(part as Record<string, JsonSchema>).flatMap(([name, field]) => [
      {
        path: `${path}.${name}`,
        type: (field.anyOf as JsonSchema[] | undefined)?.map(({ type }) => type) ?? field.type,
      },
      ...fieldsOf(field, `${path}.${name}`),
    ]);
  });
}

/** What is offered over HTTP, in every application. */
const actions = async () => {
  const configs = await Promise.all(
    projects.map((path): Promise<Project> => import(new URL(path, import.meta.url).href)),
  );
  const contracts = configs.flatMap((config) => config.default.services.map(({ contract }) => contract));
  const { services } = snapshotOf([...contracts, workflowRuns.contract]);
  return Object.entries(services).flatMap(([service, { commands, queries, workflows }]) =>
    Object.entries({ ...commands, ...queries, ...workflows })
      .filter(([, { http }]) => http !== undefined)
      .map(([name, { input, output }]) => ({ id: `${service}.${name}`, input, output })),
  );
};
const namesIn = ({ properties = {} }: JsonSchema) => Object.keys(properties as object);

test("every list that is limited goes on: it is read with after and limit, and answers next", async () => {
  const lists = (await actions())
    .map(({ id, input, output }) => ({
      id,
      has: [...namesIn(input).filter((name) => name === "after" || name === "limit"), ...namesIn(output)],
    }))
    .filter(({ id, has }) => !noPages.includes(id) && (has.includes("limit") || has.includes("next")));
  expect(lists.length).toBeGreaterThan(20);
  expect(lists.filter(({ has }) => !["after", "limit", "next"].every((name) => has.includes(name)))).toEqual([]);
});

test("every time that is told over HTTP is told in ISO 8601", async () => {
  const fields = (await actions()).flatMap(({ id, output }) => fieldsOf(output, id));
  const times = fields.filter(
    ({ path }) => isTime(path.slice(path.lastIndexOf(".") + 1)) && !otherNumbers.includes(path),
  );
  expect(times.length).toBeGreaterThan(50);
  expect(times.filter(({ type }) => ![type].flat().includes("string"))).toEqual([]);
});

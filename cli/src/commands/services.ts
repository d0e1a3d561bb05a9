import type { Service } from "@banyan/kernel";
import { type HealthCheck, inputJsonSchema } from "@banyan/kernel/app";
import { withRuns, workflowRuns } from "@banyan/kernel/workflows";
import { ask } from "../control/client.ts";
import { usageFailure } from "../failure.ts";
import { bold, dim, print, printJson, table } from "../output/terminal.ts";
import { loadConfig } from "../project/config.ts";
import { findProject, type Project } from "../project/project.ts";

/** What `--json` prints of one service. */
interface ServiceListing {
  readonly name: string;
  readonly state: string;
  readonly actions: readonly ActionListing[];
  readonly events: readonly string[];
  readonly jobs: readonly string[];
  readonly projections: readonly string[];
}

interface ActionListing {
  readonly id: string;
  readonly kind: "command" | "query" | "workflow";
  readonly http: string | null;
  readonly access: string;
  /** "address, floorMinor?": what it takes. */
  readonly input: string;
}

/** Prints what the project's services offer, and whether they run. Needs no server. */
export async function services(name: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  const project = await findProject();
  const config = await loadConfig(project.configFile);
  const states = await statesOf(project);
  const offered = withRuns(config.services, workflowRuns);
  const all = offered.map((one) => list(one, states.get(one.contract.name) ?? "not running"));
  const shown = name === undefined ? all : all.filter((service) => service.name === name);
  if (shown.length === 0) {
    throw usageFailure(`There is no service ${name}.`, `There are: ${all.map((service) => service.name).join(", ")}.`);
  }
  if (json) printJson(shown);
  else for (const service of shown) print(textOf(service));
}

/** By service. */
async function statesOf({ server }: Project): Promise<ReadonlyMap<string, string>> {
  if (server === undefined) return new Map();
  const checks = (await ask(server.socket, { do: "health" })) as readonly HealthCheck[];
  return new Map(checks.map(({ name, detail }) => [name, detail]));
}

type Offered = Pick<Service, "contract"> & Partial<Pick<Service, "projections">>;

function list({ contract, projections = new Map() }: Offered, state: string): ServiceListing {
  const actions = contract.actions;
  return {
    name: contract.name,
    state,
    actions: actions.map(({ id, kind, definition }) => {
      return {
        id,
        kind,
        http: definition.http ?? null,
        access: definition.access,
        input: fieldsOf(inputJsonSchema(definition.input)),
      };
    }),
    events: Object.values(contract.events).map(({ id }) => id),
    jobs: Object.values(contract.jobs).map(({ id }) => id),
    projections: [...projections.keys()].map((projection) => `${contract.name}.${projection}`),
  };
}

function fieldsOf(schema: Record<string, unknown>): string {
  const required = new Set(schema.required as string[] | undefined);
  const fields = Object.entries((schema.properties ?? {}) as Record<string, { default?: unknown }>);
  return fields
    .map(([field, { default: fallback }]) => (required.has(field) && fallback === undefined ? field : `${field}?`))
    .join(", ");
}

function textOf({ name, state, actions, events, jobs, projections }: ServiceListing): string {
  const rows = actions.map(({ id, kind, http, access, input }) => [`  ${id}`, kind, http ?? "-", access, dim(input)]);
  const also = [
    ["events", events],
    ["jobs", jobs],
    ["projections", projections],
  ] as const;
  const lines = also.filter(([, ids]) => ids.length > 0).map(([title, ids]) => `  ${title}: ${ids.join(", ")}`);
  return [`${bold(name)}  ${dim(state)}`, table(rows), ...lines, ""].join("\n");
}

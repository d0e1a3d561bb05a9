import { canonical } from "./canonical.ts";
import { breakingChanges, type Incompatibility, unreadable } from "./compatibility.ts";
import type {
  ActionSnapshot,
  ContractsSnapshot,
  EventSnapshot,
  FaultSnapshot,
  JobSnapshot,
  ServiceSnapshot,
} from "./snapshot.ts";

/** One difference between two versions of the contracts. */
export interface ContractChange {
  /** "ledger" */
  readonly contract: string;
  /** "post"; "" is the contract itself. */
  readonly member: string;
  readonly kind: "service" | "command" | "query" | "event" | "job" | "workflow" | "fault";
  /** "input.postings[].amountMinor", "http", "data.account"; "" is the member itself. */
  readonly field: string;
  /** "is required, was optional": together with the field a sentence. */
  readonly problem: string;
  /** Who cannot go on; empty where everybody can. */
  readonly breaks: readonly Broken[];
}

/**
 * callers: programs made for the old version. consumers: subscribers of the old version, here and elsewhere, that are sent what
 * the new one emits. stored events, queued jobs, runs (of workflows): what the old version has left in the database, for the new one to read.
 */
export type Broken = "callers" | "consumers" | "stored events" | "queued jobs" | "runs";

/** What a judge of one member says; the member is known to who asks. */
type Finding = Pick<ContractChange, "field" | "problem" | "breaks">;

/**
 * Every difference that matters to somebody, services and members in the order of their names. Inputs may take more, outputs and
 * events may say more; a fault more is no break, since callers must expect faults that they do not know.
 */
export function contractChanges(old: ContractsSnapshot, now: ContractsSnapshot): readonly ContractChange[] {
  return pairs(old.services, now.services).flatMap(([contract, before, after]) => {
    const about = { contract, member: "", kind: "service" as const, field: "" };
    if (before === undefined) return [{ ...about, problem: "is new", breaks: [] }];
    if (after === undefined) return [{ ...about, problem: gone, breaks: ["callers", "consumers"] as const }];
    return serviceChanges(before, after).map((change) => ({ contract, ...change }));
  });
}

const gone = "is not there any more";

function serviceChanges(before: ServiceSnapshot, after: ServiceSnapshot): readonly Omit<ContractChange, "contract">[] {
  const instanced = after.instanced ? "each call must name an instance" : "calls name no instance any more";
  return [
    ...(before.instanced === after.instanced
      ? []
      : [{ member: "", kind: "service" as const, field: "", problem: instanced, breaks: ["callers"] as const }]),
    ...actionsOf(before, after),
    ...members("event", { before: before.events, after: after.events, judge: eventFindings, lost: ["consumers"] }),
    ...members("job", { before: before.jobs, after: after.jobs, judge: jobFindings, lost: ["queued jobs"] }),
    ...members("workflow", {
      before: before.workflows ?? {},
      after: after.workflows ?? {},
      judge: actionFindings,
      lost: ["callers", "runs"],
    }),
    ...members("fault", { before: before.faults, after: after.faults, judge: faultFindings, lost: [] }),
  ];
}

/** Commands and queries share their names: one that became the other is one change, and not two. */
function actionsOf(before: ServiceSnapshot, after: ServiceSnapshot): readonly Omit<ContractChange, "contract">[] {
  const [command, query] = [
    { kind: "command", part: "commands", other: "queries", became: "is a query, was a command" } as const,
    { kind: "query", part: "queries", other: "commands", became: "is a command, was a query" } as const,
  ];
  return [command, query].flatMap(({ kind, part, other, became }) => {
    const moved = Object.keys(before[part]).filter((name) => Object.hasOwn(after[other], name));
    return [
      ...moved.map((member) => ({ member, kind, field: "", problem: became, breaks: ["callers"] as const })),
      ...members(kind, {
        before: without(before[part], after[other]),
        after: without(after[part], before[other]),
        judge: actionFindings,
        lost: ["callers"],
      }),
    ];
  });
}

function without<T>(all: Readonly<Record<string, T>>, names: object): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(names, name)));
}

function members<T>(
  kind: ContractChange["kind"],
  { before, after, judge, lost }: Compared<T>,
): readonly Omit<ContractChange, "contract">[] {
  return pairs(before, after).flatMap(([member, was, is]) => {
    const about = { member, kind, field: "" };
    if (was === undefined) return [{ ...about, problem: "is new", breaks: [] }];
    if (is === undefined) return [{ ...about, problem: gone, breaks: lost }];
    return judge(was, is).map((finding) => ({ ...about, ...finding }));
  });
}

interface Compared<T> {
  readonly before: Readonly<Record<string, T>>;
  readonly after: Readonly<Record<string, T>>;
  readonly judge: (was: T, is: T) => readonly Finding[];
  /** Who misses a member that is gone. */
  readonly lost: readonly Broken[];
}

function pairs<T>(before: Readonly<Record<string, T>>, after: Readonly<Record<string, T>>) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.map((name) => [name, own(before, name), own(after, name)] as const);
}

function own<T>(all: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(all, name) ? all[name] : undefined;
}

function actionFindings(was: ActionSnapshot, is: ActionSnapshot): readonly Finding[] {
  const broken = breakingChanges(was, is);
  return [
    ...broken.map((one) => ({ ...one, breaks: ["callers"] as const })),
    ...widened("input", { was: was.input, is: is.input, broken }),
    ...widened("output", { was: was.output, is: is.output, broken }),
    ...routeFindings(was, is),
    ...(was.access === is.access
      ? []
      : [found("access", `is ${is.access}, was ${was.access}`, is.access === "public" ? [] : ["callers"])]),
    ...is.faults.filter((name) => !was.faults.includes(name)).map((name) => found("faults", `${name} is new`)),
    ...was.faults.filter((name) => !is.faults.includes(name)).map((name) => found("faults", `${name} ${gone}`)),
  ];
}

function found(field: string, problem: string, breaks: readonly Broken[] = []): Finding {
  return { field, problem, breaks };
}

/** Something else than it was, and nothing of it breaks. */
function widened(
  part: string,
  { was, is, broken }: { readonly was: object; readonly is: object; readonly broken: readonly Incompatibility[] },
): readonly Finding[] {
  const breaks = broken.some(
    ({ field }) => field === part || field.startsWith(`${part}.`) || field.startsWith(`${part}[`),
  );
  return breaks || canonical(was) === canonical(is) ? [] : [found(part, "is another, and fits")];
}

/** A parameter's name is the input's affair; a URL does not show it. Of names that stay, it does show the places. */
function isSameUrl(was: string, is: string): boolean {
  const [before, after] = [was, is].map((http) => http.split("/"));
  return canonical(before?.map(anonymous)) === canonical(after?.map(anonymous)) && !before?.some(isElsewhere);

  function isElsewhere(part: string, at: number): boolean {
    return isParameter(part) && after?.[at] !== part && after?.includes(part) === true;
  }
}

const isParameter = (part: string) => part.startsWith(":");
const anonymous = (part: string) => (isParameter(part) ? ":" : part);

function routeFindings(was: ActionSnapshot, is: ActionSnapshot): readonly Finding[] {
  if (was.http === undefined) return is.http === undefined ? [] : [found("http", `is ${is.http}, was none`)];
  if (is.http === undefined) return [found("http", `is none, was ${was.http}`, ["callers"])];
  const [status, before] = [is.httpStatus ?? 200, was.httpStatus ?? 200];
  const refused = (was.httpText ?? []).filter((type) => !is.httpText?.includes(type));
  return [
    ...(isSameUrl(was.http, is.http) ? [] : [found("http", `is ${is.http}, was ${was.http}`, ["callers"])]),
    ...(status === before ? [] : [found("httpStatus", `is ${status}, was ${before}`, ["callers"])]),
    ...refused.map((type) => found("httpText", `${type} is not taken any more`, ["callers"])),
    ...(canonical(was.httpHeaders ?? {}) === canonical(is.httpHeaders ?? {})
      ? []
      : [found("httpHeaders", "are others", ["callers"])]),
    ...(was.httpAnswer === is.httpAnswer
      ? []
      : [found("httpAnswer", `is ${is.httpAnswer ?? "JSON"}, was ${was.httpAnswer ?? "JSON"}`, ["callers"])]),
  ];
}

function eventFindings(was: EventSnapshot, is: EventSnapshot): readonly Finding[] {
  const reads = is.reads ?? is.data;
  const byConsumers = unreadable({ writer: is.data, reader: was.data, objects: "open", later: "writer" }, "data");
  const ofStored = unreadable({ writer: was.data, reader: reads, objects: "open", later: "reader" }, "data");
  const broken = [...byConsumers, ...ofStored];
  const isKnown = was.key !== null && is.key !== null;
  return [
    ...broken.filter(isFirst).map((one) => {
      const breaks: Broken[] = [];
      if (byConsumers.some((other) => isSame(one, other))) breaks.push("consumers");
      if (ofStored.some((other) => isSame(one, other))) breaks.push("stored events");
      return { ...one, breaks };
    }),
    ...widened("data", { was: was.data, is: is.data, broken }),
    // Events of what was one key may overtake each other now.
    ...(isKnown && was.key !== is.key ? [found("key", `is ${is.key}, was ${was.key}`, ["consumers"])] : []),
  ];
}

function isFirst(one: Incompatibility, at: number, all: readonly Incompatibility[]): boolean {
  return all.findIndex((other) => isSame(one, other)) === at;
}

function isSame(one: Incompatibility, other: Incompatibility): boolean {
  return one.field === other.field && one.problem === other.problem;
}

function jobFindings(was: JobSnapshot, is: JobSnapshot): readonly Finding[] {
  const broken = unreadable({ writer: was.input, reader: is.input, objects: "closed", later: "reader" }, "input");
  return [
    ...broken.map((one) => ({ ...one, breaks: ["queued jobs"] as const })),
    ...widened("input", { was: was.input, is: is.input, broken }),
  ];
}

function faultFindings(was: FaultSnapshot, is: FaultSnapshot): readonly Finding[] {
  // Who was told that nothing had happened may do it another way; that must not be wrong now.
  const isLessSure = is.retry === "unknown";
  const kind = was.kind === is.kind ? [] : [found("kind", `is ${is.kind}, was ${was.kind}`, ["callers"])];
  const retry =
    was.retry === is.retry ? [] : [found("retry", `is ${is.retry}, was ${was.retry}`, isLessSure ? ["callers"] : [])];
  if (was.details === undefined) return [...kind, ...retry, ...(is.details ? [found("details", "is new")] : [])];
  if (is.details === undefined) return [...kind, ...retry, found("details", gone, ["callers"])];
  const broken = unreadable({ writer: is.details, reader: was.details, objects: "open", later: "writer" }, "details");
  return [
    ...kind,
    ...retry,
    ...broken.map((one) => ({ ...one, breaks: ["callers"] as const })),
    ...widened("details", { was: was.details, is: is.details, broken }),
  ];
}

import type { Identity, Returned, Sent } from "@banyan/kernel";
import type { AnyQuery } from "@banyan/kernel/app";
import type { Source } from "@banyan/user-events-sources/contract";
import { sources } from "@banyan/user-events-sources/contract";
import type { Item } from "./append.ts";

const subjectPrefix = "source:";

/** A root call, as `App` has it. */
export type AskQuery = <A extends AnyQuery>(action: A, input: Sent<A>) => Promise<Returned<A>>;

/** Who shows a source's write key: may send events of that source, and nothing else. Undefined where nobody has the key. */
export async function identifySource(call: AskQuery, writeKey: string): Promise<Identity | undefined> {
  const { found } = await call(sources.byWriteKey, { writeKey });
  if (found === null) return undefined;
  const { tenant, source } = found;
  return { subject: `${subjectPrefix}${source.id}`, tenant, permissions: new Set() };
}

/**
 * The source whose events a request brings: of whoever was let in by its write key, else the one whose key the request itself holds.
 * Undefined where there is none of the caller's tenant.
 */
export async function findSource({ identity, call }: Item, writeKey: string | undefined): Promise<Source | undefined> {
  if (identity.subject.startsWith(subjectPrefix)) {
    const { source } = await call(sources.find, { id: identity.subject.slice(subjectPrefix.length) });
    return source ?? undefined;
  }
  if (writeKey === undefined) return undefined;
  const { found } = await call(sources.byWriteKey, { writeKey });
  return found?.tenant === identity.tenant ? found.source : undefined;
}

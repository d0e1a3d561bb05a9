/** Who asks, and what they may do. Made by an authenticator at the edge; inside it is carried, never re-read. */
export interface Identity {
  /** Stable name of the person, key or service. */
  readonly subject: string;
  /** The customer whose data this is; part of every idempotency key, event and job. */
  readonly tenant: string;
  /** Names from the contracts' `access`; "*" has all. */
  readonly permissions: ReadonlySet<string>;
}

/** The platform itself, for schedules, start-up and scripts of the operator. */
export const systemIdentity: Identity = { subject: "system", tenant: "default", permissions: new Set(["*"]) };

/** A caller who showed no credentials: may call what is "public". */
export const anonymousIdentity: Identity = { subject: "anonymous", tenant: "default", permissions: new Set() };

export function may(identity: Identity, access: string): boolean {
  return access === "public" || identity.permissions.has(access) || identity.permissions.has("*");
}

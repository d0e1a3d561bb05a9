/** Who asks, and what they may do. Made by an authenticator at the edge; inside it is carried, never re-read. */
export interface Identity {
  /** Stable name of the person, key or service. */
  readonly subject: string;
  /** The customer whose data this is; part of every idempotency key, event and job. */
  readonly tenant: string;
  /** Names from the contracts' `access`; "*" has all. */
  readonly permissions: ReadonlySet<string>;
  /**
   * Whose idempotency keys its own are among, where not the tenant's at large: two customers of a tenant may choose the same key, and
   * neither is told what the other was answered. It counts where a call comes in, and is not carried on.
   */
  readonly idempotencyScope?: string | undefined;
}

/** The platform itself, for schedules, start-up and scripts of the operator. */
export const systemIdentity: Identity = { subject: "system", tenant: "default", permissions: new Set(["*"]) };

/** A caller who showed no credentials: may call what is "public". */
export const anonymousIdentity: Identity = { subject: "anonymous", tenant: "default", permissions: new Set() };

/** Whether it has the permission; everybody has "public". */
export function may(identity: Identity, access: string): boolean {
  return access === "public" || identity.permissions.has(access) || identity.permissions.has("*");
}

import type { Schema, SchemaOutput } from "./schema.ts";

/** Every fault is of one of these kinds; the list is closed, so that an edge can translate each (to HTTP: see FAULT_STATUS). */
export type FaultKind =
  | "pending"
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "exhausted"
  | "unavailable"
  | "deadline"
  | "internal";

/**
 * What a caller may conclude: "no" - it will fail again; "yes" - nothing was done, try again; "unknown" - it may have
 * been done, so only a query or an idempotent command may be tried again.
 */
export type Retry = "no" | "yes" | "unknown";

const RETRY: Readonly<Record<FaultKind, Retry>> = {
  pending: "yes",
  invalid: "no",
  unauthenticated: "no",
  forbidden: "no",
  not_found: "no",
  conflict: "no",
  exhausted: "yes",
  unavailable: "yes",
  deadline: "unknown",
  internal: "unknown",
};

/** The HTTP status of each kind (RFC 9110; RFC 6585 for 429). */
export const FAULT_STATUS: Readonly<Record<FaultKind, number>> = {
  pending: 202,
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  exhausted: 429,
  unavailable: 503,
  deadline: 504,
  internal: 500,
};

export interface FaultOptions {
  readonly cause?: unknown;
  /** Overrides what the kind implies. */
  readonly retry?: Retry | undefined;
  /** When trying again may help, in milliseconds from now; becomes `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * An expected failure. Tell one from another by `code`, never by message or class: a fault that crossed a wire has the
 * same code and another class identity. It carries no stack, which costs 2 us and says nothing that `code` does not.
 */
export class Fault<Code extends string = string, Details = unknown> extends Error {
  readonly code: Code;
  readonly kind: FaultKind;
  readonly details: Details;
  readonly retry: Retry;
  readonly retryAfterMs: number | undefined;

  constructor({ code, kind, message, details, ...options }: NewFault<Code, Details>) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = limit;
    this.name = "Fault";
    this.code = code;
    this.kind = kind;
    this.details = details;
    this.retry = options.retry ?? RETRY[kind];
    this.retryAfterMs = options.retryAfterMs;
  }
}

interface NewFault<Code extends string, Details> extends FaultOptions {
  readonly code: Code;
  readonly kind: FaultKind;
  readonly message: string;
  readonly details: Details;
}

/** A fault as data: what is stored with an idempotency key and what crosses a wire. No cause: it stays where it happened. */
export interface FaultRecord {
  readonly code: string;
  readonly kind: FaultKind;
  readonly message: string;
  readonly details: unknown;
  readonly retry: Retry;
  readonly retryAfterMs?: number | undefined;
}

/** The fault as data, to be stored or sent. */
export function faultRecord({ code, kind, message, details, retry, retryAfterMs }: Fault): FaultRecord {
  return { code, kind, message, details, retry, retryAfterMs };
}

/** The fault that was recorded; its code and details are the same, its cause is gone. */
export function faultFromRecord(record: FaultRecord): Fault {
  return new Fault(record);
}

/** A declared fault, before its contract gives it a code. */
export interface FaultDefinition<S extends Schema | undefined = Schema | undefined> {
  readonly kind: FaultKind;
  readonly details: S;
  readonly message: ((details: never) => string) | undefined;
  readonly retry: Retry;
}

/** `void` where nothing was declared, so that the fault is raised by a call without arguments. */
export type FaultDetails<D extends FaultDefinition> = D["details"] extends Schema ? SchemaOutput<D["details"]> : void;

/** What there is to know of a declared fault without its types. */
export interface AnyFaultType {
  readonly code: string;
  readonly kind: FaultKind;
  readonly retry: Retry;
  /** The schema of the details; undefined where there are none. */
  readonly details: Schema | undefined;
}

/** Raises and recognises one declared fault. */
export interface FaultType<Code extends string, Details> extends AnyFaultType {
  (details: Details, options?: FaultOptions): Fault<Code, Details>;
  readonly code: Code;
  is(error: unknown): error is Fault<Code, Details>;
}

/**
 * Declares an expected failure of a contract. `message` says to a person what happened, from the details alone; the
 * default is the code in words. `retry` follows from the kind unless given.
 */
export function fault<S extends Schema | undefined = undefined>(
  kind: FaultKind,
  details?: S,
  options?: {
    readonly message?: (details: S extends Schema ? SchemaOutput<S> : void) => string;
    readonly retry?: Retry;
  },
): FaultDefinition<S> {
  return { kind, details: details as S, message: options?.message, retry: options?.retry ?? RETRY[kind] };
}

/** The fault type of a definition under its full code. The cast is where the definition's details become typed. */
export function faultType<Code extends string, Details>(
  code: Code,
  definition: FaultDefinition,
): FaultType<Code, Details> {
  const message = (definition.message ?? (() => inWords(code))) as (details: Details) => string;
  const create = (details: Details, options?: FaultOptions): Fault<Code, Details> =>
    new Fault({ code, kind: definition.kind, message: message(details), details, retry: definition.retry, ...options });
  const is = (error: unknown): error is Fault<Code, Details> =>
    error instanceof Error && "code" in error && error.code === code;
  const { kind, retry, details } = definition;
  return Object.assign(create, { code, kind, retry, details, is });
}

/** "ledger.insufficientFunds" -> "insufficient funds" */
function inWords(code: string): string {
  return code
    .slice(code.indexOf(".") + 1)
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .trim();
}

/** Whether `error` is a fault of any contract, wherever it was raised. */
export function isFault(error: unknown): error is Fault {
  return error instanceof Error && error.name === "Fault" && "kind" in error && "retry" in error;
}

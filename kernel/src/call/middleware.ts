import type { AnyAction } from "../contract/action.ts";
import type { Identity } from "../service/identity.ts";

/** One call, as middleware sees it. */
export interface MiddlewareCall {
  readonly action: AnyAction;
  readonly input: unknown;
  readonly identity: Identity;
  readonly traceId: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Stands around the calls it applies to. A value in a list: the first of the list is the outermost. */
export interface Middleware {
  readonly name: string;
  /** Asked once per action, when the application is created. Default: all. */
  readonly applies?: (action: AnyAction) => boolean;
  /** Answers `next()`'s promise, or its own; `next` runs validation and the handler, and may be called again to retry. */
  readonly around: (call: MiddlewareCall, next: () => Promise<unknown>) => Promise<unknown>;
}

export function around(
  middleware: readonly Middleware[],
  call: MiddlewareCall,
  innermost: () => Promise<unknown>,
): Promise<unknown> {
  return middleware.reduceRight(
    (next, { around }) =>
      () =>
        around(call, next),
    innermost,
  )();
}

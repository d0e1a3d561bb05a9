/** What a flow carries, and which way: the two low bits of its frames' flags. */
export const flowKind = { callerPayload: 0, calleePayload: 1, callerStream: 2, calleeStream: 3 } as const;

/** Beside the kind, on the frame that ends a flow: what came is not all there was. */
export const brokenFlag = 4;

/** One of the four flows that a call can have. */
export interface FlowName {
  readonly call: number;
  readonly kind: number;
}

export function flowKey({ call, kind }: FlowName): number {
  return call * 4 + kind;
}

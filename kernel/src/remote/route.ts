import type { FullRemotePolicy } from "../contract/remote-policy.ts";
import type { RemoteNode } from "../registry/remote-node.ts";
import { Breaker, type BreakerState } from "../resilience/breaker.ts";

/** One action at one node: what a call of it is sent to. */
export class Route {
  readonly node: RemoteNode;
  readonly breaker: Breaker | null;
  /** The action's number in that node's list. */
  number = 0;
  /** Asked in place of the node, which then is nobody: the broker chooses. */
  group: string | null = null;

  constructor(node: RemoteNode, policy: FullRemotePolicy, entered: (state: BreakerState) => void) {
    this.node = node;
    this.breaker = policy.breaker === null ? null : new Breaker(policy.breaker, entered);
  }

  get isTripped(): boolean {
    return this.breaker !== null && this.breaker.state !== "closed";
  }
}

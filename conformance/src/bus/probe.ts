import { randomBytes } from "node:crypto";
import type { Identity } from "@banyan/kernel";
import { type InspectorRecord, systemClock, systemIdentity } from "@banyan/kernel/app";
import {
  type Bus,
  type BusTraits,
  Deadlines,
  Exchange,
  type ExchangeOptions,
  type Incoming,
  Inspector,
  type NodeRef,
  type OutgoingCall,
  type PeerState,
  Scope,
} from "@banyan/kernel/bus";
import { vi } from "vitest";

/** Waits until the check passes: ten seconds, for a busy machine. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, 10_000);

/** A network and the means to be on it. */
export interface BusFixture {
  /** A bus of one more node, not opened; each as another process would have it. */
  createBus(): Bus;
  /** Breaks the way between two open nodes, so that both hear of it. Left out where that cannot be done from here. */
  interrupt?(one: NodeRef, other: NodeRef): Promise<void> | void;
  close(): Promise<void>;
}

export type Answer = (incoming: Incoming) => unknown;

/** An exchange that answers as the test says, and remembers what came to it. */
export interface ProbeNode {
  readonly ref: NodeRef;
  readonly traits: BusTraits;
  readonly server: Bus["server"];
  readonly exchange: Exchange;
  readonly came: Incoming[];
  readonly records: InspectorRecord[];
  readonly reported: unknown[];
  readonly peers: [string, PeerState][];
  scope(budgetMs?: number): Scope;
  call(input: unknown, options?: Partial<OutgoingCall>): OutgoingCall;
  request(to: NodeRef, input: unknown, options?: Partial<OutgoingCall>): Promise<unknown>;
}

const actions = ["probe.echo", "probe.other"];

/** Opens one more node. */
async function openNode(bus: Bus, answer: Answer, options: Partial<ExchangeOptions>): Promise<ProbeNode> {
  const id = `probe-${randomBytes(6).toString("hex")}`;
  const { clock = systemClock } = options;
  const inspector = new Inspector();
  const [came, records, reported, peers]: [Incoming[], InspectorRecord[], unknown[], [string, PeerState][]] = [
    [],
    [],
    [],
    [],
  ];
  const serve = async (incoming: Incoming) => {
    came.push(incoming);
    return answer(incoming);
  };
  const report = (error: unknown) => reported.push(error);
  const exchange = new Exchange({ bus, id, inspector, actions, serve, report, ...options });
  inspector.add((record) => records.push(record));
  exchange.onPeer((node, state) => peers.push([node.id, state]));
  await exchange.open(AbortSignal.timeout(10_000));
  const deadlines = new Deadlines(clock);
  const scope = (budgetMs = 5_000) => {
    const made = new Scope(clock, budgetMs, "probe");
    deadlines.watch(made);
    return made;
  };
  const call = (input: unknown, given: Partial<OutgoingCall> = {}): OutgoingCall => ({
    action: 0,
    name: "probe.echo",
    input,
    identity: systemIdentity,
    scope: given.scope ?? scope(),
    ...given,
  });
  const request: ProbeNode["request"] = (to, input, given) => exchange.request(to, call(input, given));
  const { address, traits, server } = bus;
  return { ref: { id, address }, traits, server, exchange, came, records, reported, peers, scope, call, request };
}

/** A network with any number of nodes, closed together. */
export class Probe {
  readonly fixture: BusFixture;
  private readonly nodes: ProbeNode[] = [];

  constructor(fixture: BusFixture) {
    this.fixture = fixture;
  }

  /** One more node. Without `answer` it gives back what it gets. */
  async node(answer: Answer = ({ input }) => input, options: Partial<ExchangeOptions> = {}): Promise<ProbeNode> {
    const node = await openNode(this.fixture.createBus(), answer, options);
    this.nodes.push(node);
    return node;
  }

  /** Two nodes: one to call, and one that answers. */
  async pair(answer?: Answer): Promise<[ProbeNode, ProbeNode]> {
    return [await this.node(), await this.node(answer)];
  }

  /** Closes every node that the last test opened. */
  async clear(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map(({ exchange }) => exchange.close({ deadlineMs: 0 })));
  }
}

/** A caller of no importance. */
export const somebody: Identity = {
  subject: "ada",
  tenant: "acme",
  permissions: new Set(["ledger:read", "ledger:write"]),
};

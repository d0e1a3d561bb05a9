import { spawn } from "node:child_process";
import { usageFailure } from "../failure.ts";
import { edgeProcess, type Placement } from "./placement.ts";
import type { NodeReady } from "./serve-node.ts";
import { type Member, type MemberStatus, Supervisor } from "./supervisor.ts";

export interface FleetOptions {
  readonly placements: readonly Placement[];
  /** What the processes are given beside this one's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onTrouble: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A node and what it said when it was ready; undefined until then. */
export type FleetNode = Omit<MemberStatus, "ready"> & { readonly ready: NodeReady | undefined };

/** The processes of a split topology on this machine. */
export class Fleet {
  readonly #placements: readonly Placement[];
  readonly #supervisor: Supervisor;

  constructor({ placements, environment, ...options }: FleetOptions) {
    this.#placements = placements;
    this.#supervisor = new Supervisor({ launch: (member) => launch(member, environment), ...options });
  }

  get nodes(): FleetNode[] {
    return this.#supervisor.members as FleetNode[];
  }

  /** Starts all that the placements want, at once; they find each other on the bus. Throws where one cannot start. */
  async start(): Promise<FleetNode[]> {
    const members = this.#placements.flatMap(({ process: name, count }) =>
      Array.from({ length: count }, (_, at) => ({ node: `${name}-${at + 1}`, process: name })),
    );
    return Promise.all(members.map((member) => this.#supervisor.start(member) as Promise<FleetNode>));
  }

  /** Starts or stops nodes of the process that has the service, the newest first. Answers who runs it then. */
  async scale(service: string, count: number): Promise<string[]> {
    const placement = this.#placements.find((one) => one.process === service || one.services.includes(service));
    if (placement === undefined) {
      const known = this.#placements.flatMap((one) => (one.services.length === 0 ? [one.process] : one.services));
      throw usageFailure(`There is no service ${service}.`, `There are: ${known.join(", ")}.`);
    }
    const { process: name } = placement;
    const running = () => this.nodes.filter((node) => node.process === name && node.state !== "stopping");
    const surplus = running().slice(count);
    await Promise.all(surplus.map(({ node }) => this.#supervisor.stop(node)));
    const wanted: Member[] = [];
    for (let at = 1; running().length + wanted.length < count; at++) {
      const node = `${name}-${at}`;
      if (!this.nodes.some((one) => one.node === node)) wanted.push({ node, process: name });
    }
    await Promise.all(wanted.map((member) => this.#supervisor.start(member)));
    return running().map(({ node }) => node);
  }

  /** False where no such node runs. */
  signal(node: string, signal: NodeJS.Signals): boolean {
    return this.#supervisor.signal(node, signal);
  }

  /** The edges first, so that what they have let in can still be answered. */
  async stop(): Promise<void> {
    const stop = (nodes: readonly FleetNode[]) => Promise.all(nodes.map(({ node }) => this.#supervisor.stop(node)));
    await stop(this.nodes.filter((node) => node.process === edgeProcess));
    await stop(this.nodes);
  }
}

/** The same program once more. It ends when the channel to this one closes, so that a killed supervisor leaves no orphans. */
function launch({ process: name, node }: Member, environment: Readonly<Record<string, string>>) {
  const [, program = ""] = process.argv;
  const args = [...process.execArgv, program, "start", "--process", name, "--node", node, "--supervised"];
  return spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

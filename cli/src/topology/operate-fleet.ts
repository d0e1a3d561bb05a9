import type { HealthCheck, Lag } from "@banyan/kernel/app";
import { ask } from "../control/client.ts";
import { type Operated, operate } from "../control/operate.ts";
import type { Request } from "../control/protocol.ts";
import { CommandFailure } from "../failure.ts";
import type { NodeReport } from "../watch/node-report.ts";
import type { Fleet, FleetNode } from "./fleet.ts";
import type { NodeReady } from "./serve-node.ts";

interface Flow {
  send(item: unknown): void;
  readonly signal: AbortSignal;
}

/** A node that can be asked. */
type Answering = FleetNode & { readonly ready: NodeReady };

/** One that stands still must not hold up what the others answer. */
const patienceMs = 2_000;

/**
 * Does what an operator asked of a split topology: calls and checks through the supervisor's own application, everything that
 * is of a process in the processes that have it. Raises what those raise.
 */
export async function operateFleet(
  { fleet, ...operated }: Operated & { readonly fleet: Fleet },
  request: Request,
  flow: Flow,
): Promise<unknown> {
  switch (request.do) {
    case "call":
    case "check":
      return operate(operated, request, flow);
    case "tail":
      await Promise.all(answering(fleet).map((node) => tailNode(node, request, flow)));
      return null;
    case "nodes":
      return (await askAll<NodeReport[]>(fleet, request)).flatMap(({ node, answer }) => reportOf(node, answer?.[0]));
    case "trace":
      return (await askAll<object[]>(fleet, request)).flatMap(({ node, answer }) =>
        (answer ?? []).map((record) => ({ ...record, node: node.node })),
      );
    case "health":
      return healthOf(await askAll<HealthCheck[]>(fleet, request));
    case "lag":
      return lagOf((await askAll<Lag>(fleet, request)).flatMap(({ answer }) => answer ?? []));
    case "scale":
      return fleet.scale(request.service, request.count);
    case "signal":
      if (!fleet.signal(request.node, request.signal)) throw noNode(fleet, request.node);
      return null;
    case "disturb":
      await Promise.all(answering(fleet).map(({ ready }) => ask(ready.socket, request)));
      return null;
    case "rebuild":
      return ask(hostOf(fleet, request.projection.split(".")[0]).socket, request);
    case "redrive": {
      const letters = (await ask(hostOf(fleet).socket, { do: "deadLetters", limit: 1_000 })) as {
        readonly id: string;
        readonly subscriber: string;
      }[];
      const subscriber = letters.find(({ id }) => id === request.id)?.subscriber;
      return subscriber === undefined ? "gone" : ask(hostOf(fleet, subscriber.split(".")[0]).socket, request);
    }
    case "subscriptions":
    case "forget":
    case "deadLetters":
    case "republish":
    case "jobs":
    case "retryJob":
    case "pauseJobs":
    case "resumeJobs":
      return ask(hostOf(fleet).socket, request);
  }
}

function answering(fleet: Fleet): Answering[] {
  return fleet.nodes.filter((node): node is Answering => node.state === "ready" && node.ready !== undefined);
}

/** What each node answers, undefined for one that does not. */
function askAll<T>(fleet: Fleet, request: Request): Promise<{ node: FleetNode; answer: T | undefined }[]> {
  const askOne = async (node: FleetNode) => {
    if (node.state !== "ready" || node.ready === undefined) return undefined;
    return (await ask(node.ready.socket, request, { signal: AbortSignal.timeout(patienceMs) })) as T | null;
  };
  return Promise.all(
    fleet.nodes.map(async (node) => ({ node, answer: (await askOne(node).catch(() => undefined)) ?? undefined })),
  );
}

/** The records of a node, until the operator has seen enough or the node ends. */
async function tailNode({ node, ready }: Answering, request: Request, { send, signal }: Flow): Promise<void> {
  const onItem = (item: unknown) => send({ ...(item as object), node });
  await ask(ready.socket, request, { onItem, signal }).catch(() => {});
}

/** A node that hosts the service; without a name any that has a store. */
function hostOf(fleet: Fleet, service?: string): NodeReady {
  const hosts = answering(fleet).filter(({ ready: { services } }) =>
    service === undefined ? services.length > 0 : services.includes(service),
  );
  const [host] = hosts;
  if (host !== undefined) return host.ready;
  throw new CommandFailure(
    service === undefined
      ? "No process with a service is ready."
      : `No process that is ready has the service ${service}.`,
    "`npx banyan nodes` shows what runs.",
  );
}

function reportOf(node: FleetNode, report: NodeReport | undefined): NodeReport {
  const { restartCount, state, pid = 0, since } = node;
  if (report !== undefined) return { ...report, restartCount };
  const unknown = { cpuMs: 0, residentBytes: 0, actions: [] };
  const services = node.ready?.services ?? [];
  const at = Date.now();
  return {
    node: node.node,
    process: node.process,
    pid,
    services,
    state,
    restartCount,
    upMs: at - since,
    at,
    ...unknown,
  };
}

/** One line a node, and what the services in it say; what it has heard of others they say themselves. */
function healthOf(answers: readonly { node: FleetNode; answer: readonly HealthCheck[] | undefined }[]): HealthCheck[] {
  return answers.flatMap(({ node, answer }) => {
    const ok = answer !== undefined;
    const own = (answer ?? []).filter(({ name }) => node.ready?.services.includes(name));
    return [{ name: node.node, ok, detail: ok ? `pid ${node.pid}` : node.state }, ...own];
  });
}

/** Each process knows of its own subscribers. */
function lagOf(lags: readonly Lag[]): Lag {
  return {
    unsentCount: lags.reduce((sum, { unsentCount }) => sum + unsentCount, 0),
    oldestMs: Math.max(0, ...lags.map(({ oldestMs }) => oldestMs)),
    leading: lags.some(({ leading }) => leading),
    subscribers: lags.flatMap(({ subscribers }) => subscribers),
  };
}

function noNode(fleet: Fleet, node: string): CommandFailure {
  const known = fleet.nodes.map((one) => one.node).join(", ");
  return new CommandFailure(`No process ${node} runs.`, `There are: ${known}.`);
}

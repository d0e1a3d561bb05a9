import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { operate } from "../control/operate.ts";
import { openControlServer } from "../control/server.ts";
import { usageFailure } from "../failure.ts";
import { openApplication, type Surroundings } from "../platform/application.ts";
import { makeGateway, openProbes } from "../platform/gateway.ts";
import { openWatch } from "../platform/watching.ts";
import { developmentKey } from "../project/data-folder.ts";
import { ofVariable } from "../project/environment.ts";
import { Chaos } from "../watch/chaos.ts";
import { busOf } from "./bus.ts";
import { edgeProcess, placementsOf } from "./placement.ts";

/** What a node tells its supervisor once it is ready. */
export interface NodeReady {
  readonly node: string;
  readonly pid: number;
  readonly services: readonly string[];
  /** Of its control socket. */
  readonly socket: string;
  /** Of its gateway, or of its probes; absent where it has neither. */
  readonly url?: string;
  readonly notes: readonly string[];
  readonly tookMs: number;
}

/**
 * Starts what one process of the split topology runs: some services or the gateway, on the bus, with a control socket of its own.
 * Who started it alone asks it for its state over HTTP; a supervisor hears it by itself, and its processes would fight for the port.
 */
export async function serveNode(
  surroundings: Surroundings,
  {
    process: name,
    node,
    isSupervised,
  }: { readonly process: string; readonly node: string; readonly isSupervised: boolean },
): Promise<NodeReady> {
  const { config, environment, folder, openings, signal } = surroundings;
  const placements = placementsOf(config);
  const placement = placements.find((one) => one.process === name);
  if (placement === undefined) {
    const known = placements.map((one) => one.process).join(", ");
    throw usageFailure(`There is no process ${name}.`, `There are: ${known}.`);
  }
  const chaos = environment.NODE_ENV === "production" ? undefined : new Chaos();
  const { bus, introduce } = await ofVariable("BANYAN_BUS", () => busOf(environment, node));
  const { app } = await openApplication(surroundings, {
    services: placement.services,
    bus,
    nodeName: node,
    middleware: chaos === undefined ? [] : [chaos.middleware],
  });
  const withdraw = introduce?.(app, config.version);
  if (withdraw !== undefined) openings.defer("discovery", withdraw);
  const watch = await openWatch(app, surroundings, node);
  const { checks } = config;
  const operated = { app, checks, watch, chaos, name: { node, process: name } };
  const controlFolder = join(folder.path, "nodes", node);
  mkdirSync(controlFolder, { recursive: true });
  const control = await openControlServer(controlFolder, (request, flow) => operate(operated, request, flow));
  openings.defer("control socket", () => control.close());
  signal.throwIfAborted();
  const ready = { node, pid: process.pid, services: placement.services, socket: control.socketPath };
  const isEdge = name === edgeProcess;
  if (isSupervised && !isEdge) return { ...ready, notes: [], tookMs: performance.now() };
  const { url, note } = isEdge
    ? await (await makeGateway(app, developmentKey(folder, environment.BANYAN_API_KEY).key, surroundings)).open()
    : await openProbes(app, surroundings);
  return { ...ready, url, notes: note === undefined ? [] : [note], tookMs: performance.now() };
}

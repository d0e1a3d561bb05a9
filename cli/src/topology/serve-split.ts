import { relative } from "node:path";
import { note } from "../output/terminal.ts";
import { openApplication, type Surroundings } from "../platform/application.ts";
import { openControl, playDemo, type Served } from "../platform/serve.ts";
import { openWatch } from "../platform/watching.ts";
import { developmentKey } from "../project/data-folder.ts";
import { ofVariable } from "../project/environment.ts";
import { busOf, createSocketFolder, listensOf, supervisorNode } from "./bus.ts";
import { Fleet, type FleetNode } from "./fleet.ts";
import { operateFleet } from "./operate-fleet.ts";
import { placementsOf } from "./placement.ts";

/**
 * Starts the services in processes of their own, and keeps them running. This process has the database server, the socket for
 * operators, and an application without services, by which operators' calls go over the bus.
 */
export async function serveSplit(surroundings: Surroundings): Promise<Served> {
  const { config, database, folder, steps, openings, signal } = surroundings;
  const placements = placementsOf(config);
  // As many of each as `banyan scale` is asked for.
  const nodes = [supervisorNode, ...placements.map(({ process: name }) => `${name}-9999`)];
  const key = developmentKey(folder, surroundings.environment.BANYAN_API_KEY);
  const { url: databaseUrl, publicUrl } = await database;
  signal.throwIfAborted();
  const BANYAN_BUS = surroundings.environment.BANYAN_BUS ?? `unix:${createSocketFolder(folder, nodes, openings)}`;
  const listens = listensOf({ ...surroundings.environment, BANYAN_BUS });
  const own = { ...surroundings.environment, BANYAN_BUS, BANYAN_LISTEN: listens?.supervisor };
  const { bus } = await ofVariable("BANYAN_BUS", () => busOf(own, supervisorNode));
  const { app } = await openApplication(surroundings, {
    services: [],
    bus,
    nodeName: supervisorNode,
    middleware: [],
  });
  const watch = await openWatch(app, surroundings, supervisorNode);
  const fleet = new Fleet({
    placements,
    environment: { BANYAN_BUS, DATABASE_URL: databaseUrl, ...(listens && { BANYAN_LISTEN: listens.others }) },
    onTrouble: note,
    signal,
  });
  openings.defer("processes", () => fleet.stop());
  const started = await steps.watch("the processes", () => fleet.start());
  signal.throwIfAborted();
  steps.done.push(...started.map(stepOf));
  const notes = started.flatMap(({ ready }) => ready?.notes ?? []);
  await playDemo(app, notes, surroundings);
  const url = started.find(({ ready }) => ready?.url !== undefined)?.ready?.url ?? "";
  const operated = {
    fleet,
    app,
    checks: config.checks,
    watch,
    name: { node: supervisorNode, process: supervisorNode },
  };
  await openControl(
    (request, flow) => operateFleet(operated, request, flow),
    { key: key.key, url, databaseUrl: publicUrl },
    { ...surroundings, notes },
  );
  signal.throwIfAborted();
  return { config, url, key, keyFile: relative(process.cwd(), folder.keyFile), steps, notes };
}

function stepOf({ node, pid, ready }: FleetNode) {
  const { services = [], url = "", tookMs = 0 } = ready ?? {};
  return { name: node, detail: `pid ${pid}, ${url === "" ? services.join(", ") : `gateway, ${url}`}`, tookMs };
}

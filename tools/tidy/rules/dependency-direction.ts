import type { Package } from "../../workspace.ts";
import type { House, SourceFile, Violation } from "../house.ts";
import { targetsOf } from "../module-graph.ts";

/**
 * Dependencies point one way: kernel <- contracts <- services <- apps, kernel <- adapters <- apps,
 * kernel <- conformance <- adapter tests. Tests may look at everything; only shipped files are held to it.
 */
export function dependencyDirection(house: House): Violation[] {
  return house.sources.flatMap((source) =>
    targetsOf(house, source).flatMap(({ import: { specifier }, target }) => {
      if (!("file" in target) || target.package === source.package) return [];
      const violation = (message: string) => [{ subject: source.path, message: `imports ${specifier}: ${message}` }];
      if (specifier.startsWith(".") && !(target.package.folder === "tools" && !source.isShipped)) {
        return violation(`name the package, ${target.package.manifest.name}, not its files`);
      }
      if (!source.isShipped || mayUse(source, target.package, specifier)) return [];
      return violation(`${layerOf(source.package)} does not build on ${layerOf(target.package)} this way`);
    }),
  );
}

function mayUse(source: SourceFile, used: Package, specifier: string): boolean {
  const [from, to] = [layerOf(source.package), layerOf(used)];
  const isContract = specifier.endsWith("/contract");
  switch (from) {
    case "kernel":
      return false;
    case "conformance":
      return to === "kernel";
    case "adapters":
      return to === "kernel" || (to === "adapters" && isClient(used));
    case "console":
      return isContract;
    case "platform":
      return to === "kernel" || (to === "platform" && (isContract || !isService(used)));
    case "systems":
      if (to === "systems") return systemOf(source.package) === systemOf(used) && (isContract || !isService(used));
      return to === "kernel" || (to === "platform" && (isContract || standsAlone(used)));
    case "cli":
      return !["conformance", "bench", "tools"].includes(to);
    default:
      return true;
  }
}

const layerOf = ({ folder }: Package): string => folder.split("/")[0] ?? "";

const systemOf = ({ folder }: Package): string => folder.split("/")[1] ?? "";

/** How to reach an engine: several adapters of it share that. */
const isClient = ({ folder }: Package): boolean => folder.endsWith("-client");

/** What builds on nothing, such as signatures, is for whoever needs it; an edge is for applications. */
const standsAlone = ({ manifest }: Package): boolean => Object.keys(manifest.dependencies ?? {}).length === 0;

/** A package without a contract is a library, such as money: the services of its system share it. */
const isService = ({ manifest }: Package): boolean => manifest.exports?.["./contract"] !== undefined;

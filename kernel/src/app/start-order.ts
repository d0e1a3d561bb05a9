import type { AnyContract } from "../contract/contract.ts";
import type { Service } from "../service/service.ts";

/**
 * The services so that each comes after those it names in `after`; those of other processes are not waited for. Throws on a
 * duplicate, an unknown name, or a circle.
 */
export function startOrder(services: readonly Service[], elsewhere: readonly AnyContract[] = []): readonly Service[] {
  const byName = new Map<string, Service>();
  for (const service of services) {
    const { name } = service.contract;
    if (byName.has(name)) throw new Error(`two services are named ${name}`);
    byName.set(name, service);
  }
  const ordered: Service[] = [];
  const visit = (service: Service, path: readonly string[]): void => {
    const { name } = service.contract;
    if (path.includes(name)) throw new Error(`services wait for each other: ${[...path, name].join(" -> ")}`);
    if (ordered.includes(service)) return;
    for (const other of service.after) {
      const found = byName.get(other);
      if (found === undefined && elsewhere.some(({ contract }) => contract.name === other)) continue;
      if (found === undefined) throw new Error(`${name} starts after ${other}, which is not among the services`);
      visit(found, [...path, name]);
    }
    ordered.push(service);
  };
  for (const service of services) visit(service, []);
  return ordered;
}

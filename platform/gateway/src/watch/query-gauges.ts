import type { Returned } from "@banyan/kernel";
import { type AnyQuery, type App, outputJsonSchema } from "@banyan/kernel/app";
import { Gauge, type Registry } from "prom-client";

/** A scrape waits no longer for one of them. */
const deadlineMs = 2_000;

/**
 * Each number of what the queries answer as a gauge, named by the query and the field: `events_totals_in_flight`. They take {} and are
 * asked with each scrape. A query that is not answered has no value in that scrape.
 */
export function registerQueryGauges(app: App, queries: readonly AnyQuery[], registry: Registry): void {
  for (const query of queries) {
    const { properties = {} } = outputJsonSchema(query.definition.output) as { properties?: Record<string, unknown> };
    let asked: Promise<Returned<AnyQuery>> | undefined;
    const ask = () => {
      asked ??= app.call(query, {}, { deadlineMs }).finally(() => {
        asked = undefined;
      });
      return asked;
    };
    for (const [field, schema] of Object.entries(properties)) {
      const { type, description } = schema as { type?: unknown; description?: string };
      if (type !== "integer" && type !== "number") continue;
      const collect = async function (this: Gauge) {
        const answer = (await ask().catch(() => undefined)) as Readonly<Record<string, number>> | undefined;
        if (answer === undefined) this.remove();
        else this.set(answer[field] as number);
      };
      const help = description ?? `${field} of ${query.id}`;
      registry.registerMetric(new Gauge({ name: snake(`${query.id}.${field}`), help, registers: [], collect }));
    }
  }
}

/** "events.totals.inFlight" -> "events_totals_in_flight" */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll(/[^a-z0-9_]/g, "_");
}

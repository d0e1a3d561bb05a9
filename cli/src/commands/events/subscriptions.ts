import type { StoredSubscriptions } from "@banyan/kernel/store";
import { CommandFailure, usageFailure } from "../../failure.ts";
import { duration, print, printJson, table } from "../../output/terminal.ts";
import { withOperator } from "../../platform/with-operator.ts";
import { loadConfig } from "../../project/config.ts";
import { readEnvironment } from "../../project/environment.ts";

/** Under which the relay, which brings events to a log, is subscribed. */
const relayName = "@log";

/** Prints for which services events are kept, and how many wait for each. */
export async function listSubscriptions({ json }: { readonly json?: boolean }): Promise<void> {
  const [found, hearing] = [await storedSubscriptions(), await hearingServices()];
  if (json) return printJson(found);
  if (found.length === 0) return print("No service hears of events.");
  const rows = found.map(({ service, types, unsentCount, oldestMs }) => [
    service,
    String(unsentCount),
    unsentCount === 0 ? "" : duration(oldestMs),
    // The server may well have a log that this shell knows nothing of.
    hearing.has(service) ? "" : service === relayName ? "no BANYAN_LOG here" : "not in the configuration",
    types.join(", "),
  ]);
  print(table([["SERVICE", "WAITING", "OLDEST", "", "HEARS OF"], ...rows], [1, 2]));
  print("One that is gone for good: `banyan subscriptions forget SERVICE`.");
}

/** Ends what is kept for a service that is gone, after asking. Refuses for one that the configuration still has. */
export async function forgetSubscriptions(
  service: string,
  { yes, json }: { readonly yes?: boolean; readonly json?: boolean },
): Promise<void> {
  if ((await hearingServices()).has(service)) {
    throw usageFailure(
      `${service} subscribes to events in this configuration: it would miss all until its next start.`,
      "Take its subscriptions out first.",
    );
  }
  const found = (await storedSubscriptions()).find((one) => one.service === service);
  if (found === undefined) {
    throw new CommandFailure(`No events are kept for ${service}.`, "`banyan subscriptions` lists for whom they are.");
  }
  if (!yes && !(await confirmed(found))) {
    if (json) printJson({ service, forgotten: false });
    else print("Nothing was forgotten.");
    return;
  }
  const droppedCount = (await withOperator((operator) => operator.ask({ do: "forget", service }))) as number;
  if (json) printJson({ service, forgotten: true, droppedCount });
  else print(`Nothing is kept for ${service} any more; ${droppedCount} events that waited for it were dropped.`);
}

async function storedSubscriptions(): Promise<readonly StoredSubscriptions[]> {
  return (await withOperator((operator) => operator.ask({ do: "subscriptions" }))) as readonly StoredSubscriptions[];
}

/** Services of the configuration that subscribe to anything, and the relay where events go by a log. */
async function hearingServices(): Promise<ReadonlySet<string>> {
  const { services } = await loadConfig();
  const hearing = services.filter(({ subscriptions, projections }) => subscriptions.size + projections.size > 0);
  const relay = readEnvironment().BANYAN_LOG === undefined ? [] : [relayName];
  return new Set([...hearing.map(({ contract }) => contract.name), ...relay]);
}

async function confirmed({ service, unsentCount }: StoredSubscriptions): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw usageFailure(
      `${service} was not forgotten: there is no terminal to ask on.`,
      "Pass --yes to forget it without asking.",
    );
  }
  const { confirm, isCancel } = await import("@clack/prompts");
  const message = `Keep no more events for ${service}, and drop the ${unsentCount} that wait for it?`;
  const answer = await confirm({ message, initialValue: false });
  return !isCancel(answer) && answer;
}

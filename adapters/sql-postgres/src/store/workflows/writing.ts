import type { RunChange } from "@banyan/kernel/workflows";
import type { Statement } from "../../statement.ts";
import {
  changeRuns,
  type Going,
  insertRuns,
  lockTopics,
  type Started,
  tellEnds,
  wakeHeard,
  wakeWaiting,
} from "./statements.ts";

/** Starts, then changes under a lease, then what is heard: ends by who waits for them, and what came before by who waits from now on. */
export function writing(changes: readonly RunChange[]): readonly Statement[] {
  const started = changes.filter((one): one is Started => one.do === "start" || one.do === "adopt");
  const going = changes.filter((one): one is Going => one.do !== "start" && one.do !== "adopt");
  const steps = going.flatMap(({ claim, steps }) => steps.map((step) => ({ run: claim.id, step })));
  const awaited = steps.flatMap(({ step }) =>
    step.topic === undefined || step.endedAt !== undefined ? [] : [step.topic],
  );
  const ends = going.flatMap((one) =>
    one.do === "end" && one.tells !== undefined ? [{ run: one.claim.id, tells: one.tells }] : [],
  );
  const told = ends.map(({ tells }) => tells.topic);
  const topics = [...awaited, ...told];
  return [
    ...(started.length > 0 ? [insertRuns(started)] : []),
    ...(topics.length > 0 ? [lockTopics(topics)] : []),
    ...(going.length > 0 ? [changeRuns(going, steps)] : []),
    ...(told.length > 0 ? [tellEnds(ends), wakeWaiting(told)] : []),
    ...(awaited.length > 0 ? [wakeHeard(going.map(({ claim }) => claim.id))] : []),
  ];
}

/** Whether other processes may have something to do by it. */
export function isForOthers(change: RunChange): boolean {
  if (change.do === "start") return change.lease === undefined;
  return change.do === "wait" || (change.do === "end" && change.tells !== undefined);
}

import type { Wiring } from "../world/process.ts";
import { soundWiring } from "../world/schedule.ts";
import { checkThenInsert, dualWrite, neverFlushed } from "./commands.ts";
import { brokerWindow, inboxAfterwards, noInbox } from "./inbox.ts";
import { limitEachAlone, nameTurnsApart } from "./jobs.ts";
import { ackBeforeCommit, fireAndForget, markSentFirst, retryThenDrop, sequenceCursor } from "./moving.ts";
import {
  forgetBesides,
  loseWakes,
  nameByPosition,
  takeMessagesTwice,
  undoForward,
  unfenced,
  withoutCheckpoints,
  withoutRecords,
} from "./workflows.ts";

const bank: Wiring = { ...soundWiring, scenario: "bank" };
const shop: Wiring = { ...soundWiring, scenario: "shop" };

/**
 * Wirings that are wrong on purpose, each in one way that real systems are wrong. The simulation must fail each of them within a
 * few seeds: that is what proves that it sees.
 */
export const mutants: Readonly<Record<string, Wiring>> = {
  "no-inbox": { ...bank, store: noInbox },
  "dual-write": { ...bank, store: dualWrite },
  "broker-window": { ...bank, store: brokerWindow },
  "mark-sent-first": { ...bank, store: markSentFirst },
  "fire-and-forget": { ...bank, log: fireAndForget },
  "inbox-afterwards": { ...bank, store: inboxAfterwards },
  "sequence-cursor": { ...bank, store: sequenceCursor },
  "never-flushed": { ...bank, store: neverFlushed },
  "check-then-insert": { ...bank, ...checkThenInsert },
  "retry-then-drop": { ...bank, store: retryThenDrop },
  "ack-before-commit": { ...bank, ...ackBeforeCommit },
  "turn-twice": { ...bank, store: nameTurnsApart },
  "limit-per-process": { ...bank, store: limitEachAlone },
  "step-without-checkpoint": { ...shop, store: withoutCheckpoints },
  "step-without-record": { ...shop, store: withoutRecords },
  "unfenced-lease": { ...shop, store: unfenced },
  "undo-forward": { ...shop, service: undoForward },
  "undo-at-once": { ...shop, service: forgetBesides },
  "step-by-position": { ...shop, service: nameByPosition },
  "lost-wake": { ...shop, store: loseWakes },
  "message-twice": { ...shop, store: takeMessagesTwice },
};

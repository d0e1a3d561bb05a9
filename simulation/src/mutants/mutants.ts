import type { Wiring } from "../world/process.ts";
import { soundWiring } from "../world/schedule.ts";
import { checkThenInsert, dualWrite } from "./commands.ts";
import { brokerWindow, inboxAfterwards, noInbox } from "./inbox.ts";
import { ackBeforeCommit, fireAndForget, markSentFirst, retryThenDrop, sequenceCursor } from "./moving.ts";

/**
 * Wirings that are wrong on purpose, each in one way that real systems are wrong. The simulation must fail each of them within a
 * few seeds: that is what proves that it sees.
 */
export const mutants: Readonly<Record<string, Wiring>> = {
  "no-inbox": { ...soundWiring, store: noInbox },
  "dual-write": { ...soundWiring, store: dualWrite },
  "broker-window": { ...soundWiring, store: brokerWindow },
  "mark-sent-first": { ...soundWiring, store: markSentFirst },
  "fire-and-forget": { ...soundWiring, log: fireAndForget },
  "inbox-afterwards": { ...soundWiring, store: inboxAfterwards },
  "sequence-cursor": { ...soundWiring, store: sequenceCursor },
  "check-then-insert": checkThenInsert,
  "retry-then-drop": { ...soundWiring, store: retryThenDrop },
  "ack-before-commit": { ...soundWiring, ...ackBeforeCommit },
};

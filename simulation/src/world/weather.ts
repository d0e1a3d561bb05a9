import type { Random } from "../time/random.ts";

/**
 * What goes wrong in a world while it storms, and how often. Each schedule draws its own, most of it nothing: a world where
 * all goes wrong at once hides what only shows when one thing does ("swarm testing", Groce et al., ISSTA 2012).
 */
export interface Weather {
  /** How long it storms, in milliseconds. */
  readonly stormMs: number;
  readonly processes: number;
  readonly accounts: number;
  readonly operations: number;
  /** By step of a process. */
  readonly kill: number;
  /** By step of a process; how long it stands still, in milliseconds. */
  readonly pause: number;
  readonly pauseMs: number;
  /** By step of a process: it is told to stop, drains, and comes back. */
  readonly replace: number;
  /** By round trip, each way. */
  readonly loseRequest: number;
  readonly loseReply: number;
  /** By round trip; how long it takes then, in milliseconds. */
  readonly slow: number;
  readonly slowMs: number;
  /** By commit: refused by the server, for a serialization failure or a full disk. */
  readonly refuseCommit: number;
  readonly loseNotification: number;
  /** By step of the database: it dies, and all that was open with it; back after `outageMs`. */
  readonly crash: number;
  readonly outageMs: number;
  /** How long the server holds what a process left that died or was cut off, in milliseconds. */
  readonly noticeMs: number;
  /** Whether events go by a log between the outbox and the subscribers. */
  readonly hasLog: boolean;
  /** By batch that the log hands out: lost, so that it comes again; handed out twice. */
  readonly loseBatch: number;
  readonly repeatBatch: number;
  /** By step of the log: it goes away, for up to `outageMs`. */
  readonly logOutage: number;
  readonly skewMs: number;
  /** By event or job: its handler fails always, twice, or finds a dependency out. */
  readonly poison: number;
  readonly flaky: number;
  readonly outOfReach: number;
  /** By operation: sent to two processes at once; repeated after it was answered; without an idempotency key. */
  readonly twice: number;
  readonly again: number;
  readonly keyless: number;
  readonly clientPatienceMs: number;
  /** By card: its acquirer misbehaves. Whether some never answer. */
  readonly oddCard: number;
  readonly hasMute: boolean;
  /** By request to the outside: it comes a second time, seconds later. */
  readonly echo: number;
  /** By run of a workflow: somebody asks for its end. */
  readonly cancel: number;
}

export function drawWeather(random: Random): Weather {
  /** In some worlds it happens, in others not at all. */
  const sometimes = (share: number, least: number, most: number) =>
    random.chance(share) ? least * (most / least) ** random.fraction() : 0;
  return {
    stormMs: random.between(1_000, 12_000),
    processes: random.whole(1, 3),
    accounts: random.whole(1, 4),
    operations: random.whole(5, 40),
    kill: sometimes(0.6, 0.0005, 0.01),
    pause: sometimes(0.3, 0.0003, 0.003),
    pauseMs: random.pick([50, 1_000, 20_000]),
    replace: sometimes(0.2, 0.0003, 0.002),
    loseRequest: sometimes(0.4, 0.001, 0.03),
    loseReply: sometimes(0.4, 0.001, 0.03),
    slow: sometimes(0.5, 0.005, 0.2),
    slowMs: random.pick([5, 50, 500, 3_000]),
    refuseCommit: sometimes(0.3, 0.005, 0.1),
    loseNotification: random.pick([0, 0.2, 1]),
    crash: sometimes(0.2, 0.0001, 0.001),
    outageMs: random.pick([10, 500, 5_000]),
    noticeMs: random.pick([1, 50, 3_000]),
    hasLog: random.chance(0.5),
    loseBatch: sometimes(0.4, 0.01, 0.2),
    repeatBatch: sometimes(0.4, 0.01, 0.3),
    logOutage: sometimes(0.3, 0.0005, 0.01),
    skewMs: random.pick([0, 0, 1_000, 86_400_000]),
    poison: sometimes(0.3, 0.01, 0.2),
    flaky: sometimes(0.4, 0.02, 0.3),
    outOfReach: sometimes(0.2, 0.02, 0.2),
    twice: sometimes(0.5, 0.02, 0.3),
    again: sometimes(0.5, 0.02, 0.3),
    keyless: sometimes(0.4, 0.05, 0.3),
    clientPatienceMs: random.pick([100, 1_000, 6_000]),
    oddCard: sometimes(0.7, 0.1, 0.8),
    hasMute: random.chance(0.1),
    echo: sometimes(0.5, 0.02, 0.3),
    cancel: sometimes(0.4, 0.02, 0.3),
  };
}

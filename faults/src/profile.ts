/** How much is tried. A round has a database, a log and an application of its own; an interrupted run goes on with the next round. */
export interface Profile {
  /** Of each engine. */
  readonly rounds: number;
  /** How often in a round a process dies at each failpoint. */
  readonly killsPerPoint: number;
  /** How often in a round a server, the database's or the log's, is killed. */
  readonly serverKills: number;
  /** How often in a round a process is stopped, and goes on later. */
  readonly pauses: number;
  /** How often in a round the network to a server goes bad. */
  readonly partitions: number;
  /** How often in a round a process's network is cut in one direction, or both, by a firewall. */
  readonly cuts: number;
  /** How often in a round each disk, the database's and the log's, is filled. */
  readonly diskFulls: number;
  /** How often in a round a process's clock jumps, and jumps back. */
  readonly clockJumps: number;
  /** How often in a round a process is asked to end, and replaced. */
  readonly restarts: number;
  /** Operations of a round, at least. */
  readonly messages: number;
  /** How long a pause, a bad network, a cut, a full disk or a wrong clock lasts, in milliseconds. */
  readonly lengthMs: number;
}

/** With six engines these come to at least what design/fault-plan.md asks for: 140, 2,800 and 7,000 kills of the application, and so on. */
export const profiles: Readonly<Record<string, Profile>> = {
  /** For the tests of this harness. */
  smoke: {
    rounds: 1,
    killsPerPoint: 0,
    serverKills: 1,
    pauses: 1,
    partitions: 1,
    cuts: 1,
    diskFulls: 1,
    clockJumps: 1,
    restarts: 1,
    messages: 300,
    lengthMs: 500,
  },
  change: {
    rounds: 1,
    killsPerPoint: 2,
    serverKills: 2,
    pauses: 2,
    partitions: 2,
    cuts: 1,
    diskFulls: 1,
    clockJumps: 1,
    restarts: 2,
    messages: 8_400,
    lengthMs: 2_000,
  },
  nightly: {
    rounds: 13,
    killsPerPoint: 2,
    serverKills: 8,
    pauses: 2,
    partitions: 2,
    cuts: 2,
    diskFulls: 1,
    clockJumps: 2,
    restarts: 2,
    messages: 13_000,
    lengthMs: 6_000,
  },
  release: {
    rounds: 33,
    killsPerPoint: 2,
    serverKills: 9,
    pauses: 3,
    partitions: 3,
    cuts: 3,
    diskFulls: 1,
    clockJumps: 3,
    restarts: 3,
    messages: 25_300,
    lengthMs: 30_000,
  },
};

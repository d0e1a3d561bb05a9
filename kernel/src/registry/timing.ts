/*
 * What discovery costs a node, in messages a second, whatever the number N of all nodes:
 *
 *   heard   = sum over the services it calls of providers / announceEveryMs    slow announcements
 *           + 4 x nodes in use                                                 pongs
 *           + 4 x nodes that use it                                            pings
 *           + questions of callers that came, and announcements of what changed
 *   sent    = its own services / announceEveryMs + 4 x nodes in use + 4 x nodes that use it
 *
 * Nothing in it is N: a node that calls 3 services of 10 nodes each hears 1.5 announcements a second in a fleet of 100 and of 10,000.
 */

/** Nodes in use are pinged this often. A ping and its pong cost both sides 35 to 75 µs: 100 nodes in use are 1.5 % of a core. */
export const beatMs = 250;
/** Beats without a frame until a node is suspect: 0.75 to 1 s after its last one, measured 0.60 to 0.95 (design/measured/bus.md). */
export const missesMax = 3;
/** A node is in use for so long after a call to it. */
export const inUseMs = 10_000;
/** Every node repeats what it offers this often, times 0.5 to 1.5: it heals what a lost message or a partition left. */
export const announceEveryMs = 20_000;
/** The first repetition; each pause is twice the one before. So a single lost message costs a new node a second and not twenty. */
export const announceFirstMs = 1_000;
/** A node of which nothing was heard for so long is forgotten: three of the longest pauses between announcements. */
export const forgetAfterMs = 3 * 1.5 * announceEveryMs;
/** A node that came back and stayed for so long has no past. */
export const steadyMs = 30_000;
/** The longest that a node that comes and goes is left alone once it is heard again. */
export const dampedMsMax = 30_000;
/** The longest pause between pings to a node that is away, and between questions for a service that nobody offers. */
export const pauseMsMax = 8_000;

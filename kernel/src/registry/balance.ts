import type { Balance } from "../contract/remote-policy.ts";
import type { RemoteNode } from "./remote-node.ts";

/** What can be chosen: a node, with whatever the caller knows of it. */
export interface Candidate {
  readonly node: RemoteNode;
}

/** Chooses one of at least one. `key` is what "hash" goes by. Costs 10 to 50 ns, but for "hash", whose cost grows with the nodes. */
export type Chooser = <C extends Candidate>(candidates: readonly C[], key: string | undefined) => C;

/** The chooser of one action. It has a memory, so each action has its own. */
export function chooser(balance: Balance, { random, host }: { random(): number; readonly host: string }): Chooser {
  const twoBy =
    (cost: (node: RemoteNode) => number): Chooser =>
    (candidates) =>
      ofTwo(candidates, random, cost);
  const least = twoBy(({ inFlight }) => inFlight);
  switch (balance) {
    case "round-robin":
      return roundRobin();
    case "random":
      return (candidates) => at(candidates, random() * candidates.length);
    case "latency":
      return twoBy(({ latencyMs, inFlight }) => latencyMs * (inFlight + 1));
    case "cpu":
      return twoBy(({ load }) => load);
    case "hash":
      return (candidates, key) => (key === undefined ? least(candidates, key) : byHash(candidates, key));
    case "prefer-local":
      return (candidates, key) => {
        const here = candidates.filter(({ node }) => node.host === host);
        return least(here.length > 0 ? here : candidates, key);
      };
    case "broker":
    case "two-choices":
      return least;
  }
}

/** The index is always within: who calls has at least one. */
function at<C>(candidates: readonly C[], index: number): C {
  return candidates[Math.floor(index) % candidates.length] as C;
}

function roundRobin(): Chooser {
  let turn = -1;
  return (candidates) => at(candidates, ++turn);
}

/** Power of two choices: Mitzenmacher, IEEE TPDS 12(10), 2001. Both are different ones where there are two. */
function ofTwo<C extends Candidate>(
  candidates: readonly C[],
  random: () => number,
  cost: (node: RemoteNode) => number,
): C {
  const { length } = candidates;
  const first = Math.floor(random() * length);
  const one = at(candidates, first);
  if (length === 1) return one;
  const other = at(candidates, first + 1 + Math.floor(random() * (length - 1)));
  return cost(other.node) < cost(one.node) ? other : one;
}

/** How far above its share a node may be before its keys go to the next. */
const loadBound = 1.25;

/**
 * Rendezvous hashing (Thaler and Ravishankar, IEEE/ACM ToN 6(1), 1998), which moves only the keys of nodes that come or go,
 * with bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018): the best by hash that is not over its share.
 */
function byHash<C extends Candidate>(candidates: readonly C[], key: string): C {
  const total = candidates.reduce((sum, { node }) => sum + node.inFlight, 1);
  const inFlightMax = Math.ceil((loadBound * total) / candidates.length);
  const hashOfKey = fnv1a(key);
  let best: C | null = null;
  let bestScore = -1;
  for (const candidate of candidates) {
    if (candidate.node.inFlight >= inFlightMax) continue;
    const score = mixed(hashOfKey ^ fnv1a(candidate.node.ref.id));
    if (score > bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best ?? at(candidates, hashOfKey >>> 0);
}

/** FNV-1a, 32 bits, over UTF-16 units: fast for short keys, and every process must come to the same. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}

/** The finaliser of MurmurHash3: FNV's neighbours are too much alike to be compared. */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

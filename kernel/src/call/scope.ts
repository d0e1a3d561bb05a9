import { kernelFaults } from "../contract/kernel-faults.ts";
import type { Budget } from "../store/store.ts";
import type { Clock } from "./clock.ts";

/** What ends with a scope: one below it, or a call that waits for another node. */
export interface Ends {
  end(reason: Error): void;
}

/**
 * The time that a call and everything under it may take. Calls share their caller's scope; only one with an earlier
 * deadline has its own. The AbortController is made when somebody asks for the signal: most calls never do.
 */
export class Scope implements Budget {
  readonly clock: Clock;
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number;
  readonly budgetMs: number;
  /** Why it ended, once it has. */
  ended: Error | null = null;
  /** Rejects the call that opened the scope; set by `watch`. */
  onEnd: ((reason: Error) => void) | null = null;
  /** Those that end with the same signal, and its place among them; see `endWith`. */
  group: Scope[] | null = null;
  place = 0;
  /** The list it is watched in, and its neighbours there; see Deadlines. */
  list: ScopeList | null = null;
  before: Scope | null = null;
  after: Scope | null = null;
  readonly action: string;
  private controller: AbortController | null = null;
  /** Most scopes have one at a time, and a Set for it would cost 100 ns a call. */
  private child: Ends | null = null;
  private children: Set<Ends> | null = null;

  constructor(clock: Clock, budgetMs: number, action: string) {
    this.clock = clock;
    this.budgetMs = budgetMs;
    this.deadline = clock.monotonic() + budgetMs;
    this.action = action;
  }

  remainingMs(): number {
    return Math.max(0, this.deadline - this.clock.monotonic());
  }

  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.ended !== null) this.controller.abort(this.ended);
    }
    return this.controller.signal;
  }

  /** A scope that ends with this one, or earlier. The caller ends it when its call is done. */
  narrowed(budgetMs: number, action: string): Scope {
    const child = new Scope(this.clock, Math.min(budgetMs, this.remainingMs()), action);
    if (this.ended !== null) child.end(this.ended);
    this.add(child);
    return child;
  }

  /** Ends `child` when this one ends, until `forget`. */
  add(child: Ends): void {
    if (this.child === null) {
      this.child = child;
    } else {
      this.children ??= new Set();
      this.children.add(child);
    }
  }

  forget(child: Ends): void {
    if (this.child === child) this.child = null;
    else this.children?.delete(child);
  }

  /** Throws why the scope has ended, or that its time is up, even where the event loop was too busy for the timer. */
  check(): void {
    if (this.ended !== null) throw this.ended;
    if (this.clock.monotonic() >= this.deadline) throw this.expired();
  }

  expired(): Error {
    return kernelFaults.deadline({ action: this.action, budgetMs: this.budgetMs });
  }

  end(reason: Error): void {
    if (this.ended !== null) return;
    this.ended = reason;
    this.controller?.abort(reason);
    this.onEnd?.(reason);
    this.child?.end(reason);
    for (const child of this.children ?? []) child.end(reason);
  }
}

const bySignal = new WeakMap<AbortSignal, Scope[]>();

/**
 * Ends the scope when the signal aborts. A signal that lives longer, such as a connection's, gets one listener however many
 * scopes come and go: adding and removing one for each costs 460 ns. Whoever is done with the scope calls `leaveGroup`.
 */
export function endWith(signal: AbortSignal, scope: Scope): void {
  let group = bySignal.get(signal);
  if (group === undefined) {
    const members: Scope[] = [];
    bySignal.set(signal, members);
    const cancel = () => {
      for (const member of [...members]) member.end(kernelFaults.cancelled({ action: member.action }));
    };
    signal.addEventListener("abort", cancel, { once: true });
    group = members;
  }
  scope.group = group;
  scope.place = group.push(scope) - 1;
}

/** The last of the group takes the scope's place, so that nothing is searched or hashed. */
export function leaveGroup(scope: Scope): void {
  const { group, place } = scope;
  const last = group?.pop();
  if (group === null || last === undefined) return;
  if (last !== scope) {
    group[place] = last;
    last.place = place;
  }
  scope.group = null;
}

interface ScopeList {
  readonly step: number;
  first: Scope | null;
  last: Scope | null;
  timer: NodeJS.Timeout | null;
}

/** Budgets that differ by less share a list, so that remainders such as 4,987.3 ms do not each make one. */
const stepMs = 10;

/**
 * Ends scopes when their time is up, at most `stepMs` late. Scopes of one budget expire in the order they began, so each
 * step of budgets has a linked list and one timer: 20 ns a call, where a timer of its own costs 115 to 345. Timers do not
 * keep the process alive.
 */
export class Deadlines {
  private readonly lists = new Map<number, ScopeList>();
  private readonly clock: Clock;
  private lastUsed: ScopeList;

  constructor(clock: Clock) {
    this.clock = clock;
    this.lastUsed = this.listOf(0);
  }

  /** Does nothing where the scope is watched already, by whomever. */
  watch(scope: Scope): void {
    if (scope.list !== null) return;
    const step = Math.ceil(scope.budgetMs / stepMs);
    const list = this.lastUsed.step === step ? this.lastUsed : this.listOf(step);
    scope.list = list;
    scope.before = list.last;
    if (list.last === null) list.first = scope;
    else list.last.after = scope;
    list.last = scope;
    if (list.timer === null) this.arm(list, scope);
  }

  unwatch(scope: Scope): void {
    const list = scope.list;
    if (list === null) return;
    if (scope.before === null) list.first = scope.after;
    else scope.before.after = scope.after;
    if (scope.after === null) list.last = scope.before;
    else scope.after.before = scope.before;
    scope.list = null;
    scope.before = null;
    scope.after = null;
  }

  private listOf(step: number): ScopeList {
    let list = this.lists.get(step);
    if (list === undefined) {
      list = { step, first: null, last: null, timer: null };
      this.lists.set(step, list);
    }
    this.lastUsed = list;
    return list;
  }

  private arm(list: ScopeList, first: Scope): void {
    list.timer = setTimeout(() => this.sweep(list), Math.max(1, first.deadline - this.clock.monotonic()));
    list.timer.unref();
  }

  private sweep(list: ScopeList): void {
    list.timer = null;
    const now = this.clock.monotonic();
    for (let scope = list.first; scope !== null && scope.deadline <= now; scope = list.first) {
      this.unwatch(scope);
      scope.end(scope.expired());
    }
    if (list.first !== null) this.arm(list, list.first);
    else if (list !== this.lastUsed) this.lists.delete(list.step);
  }
}

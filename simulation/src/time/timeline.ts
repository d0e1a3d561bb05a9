import { Random } from "./random.ts";

/** Whoever's steps can stop for good: one incarnation of a process, or a part of the world that never dies. */
export interface Life {
  readonly name: string;
  isAlive: boolean;
  /** While it stands still, the steps that wait for it. */
  deferred: Step[] | null;
  /** What its wall clock is ahead of the world's, in milliseconds. */
  skewMs: number;
}

export function newLife(name: string): Life {
  return { name, isAlive: true, deferred: null, skewMs: 0 };
}

/** Something that will happen. */
export interface Step {
  at: number;
  readonly life: Life;
  readonly what: string;
  readonly act: () => void;
  isCancelled: boolean;
  order: number;
}

/** The timeline and the life whose step is being taken. Outside steps the process's own time passes. */
export let running: { readonly timeline: Timeline; readonly life: Life } | null = null;

const nativeImmediate = setImmediate;

/**
 * Virtual time: a queue of steps, the earliest first, and of equal times the one that was asked for first. A step runs until
 * nothing is left to do but to wait for other steps, so whatever awaits is another step, and the order of all is the seed's.
 */
export class Timeline {
  /** Milliseconds since the world began. */
  now = 0;
  steps = 0;
  /** Milliseconds since 1970 when it began. */
  readonly epoch: number;
  /** For the code under simulation: Math.random. */
  readonly random: Random;
  /** For its ids, a sequence of their own: the kernel fetches bytes in bulk, one schedule's rest is the next one's first. */
  readonly bytes: Random;
  /** Changes with every step; equal for equal schedules. FNV-1a, 32 bits. */
  digest = 0x811c9dc5;
  /** Told of whose step has just been taken. */
  afterStep: (life: Life) => void = () => {};
  private readonly queue: Step[] = [];
  private asked = 0;

  constructor(seed: number, epoch: number) {
    this.epoch = epoch;
    this.random = new Random(seed, "code under simulation");
    this.bytes = new Random(seed, "ids");
  }

  /** The wall clock of a life. */
  wallClock(life: Life): number {
    return this.epoch + this.now + life.skewMs;
  }

  after(ms: number, life: Life, ...step: [what: string, act: () => void]): Step {
    return this.at(this.now + Math.max(0, ms), life, ...step);
  }

  /** At a time that is known: what is left until then, added again, can come to a little less, and before what was asked for first. */
  at(at: number, life: Life, ...[what, act]: [what: string, act: () => void]): Step {
    const step = { at, life, what, act, isCancelled: false, order: this.asked++ };
    this.push(step);
    return step;
  }

  /** It takes no step until it is resumed. */
  pause(life: Life): void {
    life.deferred ??= [];
  }

  /** All that waited for it comes now, in the order in which it would have come. */
  resume(life: Life): void {
    const { deferred } = life;
    life.deferred = null;
    for (const step of deferred ?? []) {
      step.at = this.now;
      step.order = this.asked++;
      this.push(step);
    }
  }

  /** Takes steps until `isOver`, which is asked before each, or none is left. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const step = this.pop();
      if (step === undefined) return;
      if (step.isCancelled || !step.life.isAlive) continue;
      this.now = Math.max(this.now, step.at);
      if (step.life.deferred !== null) {
        step.life.deferred.push(step);
        continue;
      }
      this.take(step);
      // All microtasks have run when the event loop comes to its next turn.
      await new Promise<void>((resolve) => nativeImmediate(resolve));
      running = null;
      this.afterStep(step.life);
    }
  }

  private take(step: Step): void {
    this.steps++;
    const mark = `${step.life.name} ${step.what} ${step.at}`;
    for (let index = 0; index < mark.length; index++)
      this.digest = Math.imul(this.digest ^ mark.charCodeAt(index), 0x01000193);
    running = { timeline: this, life: step.life };
    step.act();
  }

  /** A binary heap. */
  private push(step: Step): void {
    const { queue } = this;
    let place = queue.push(step) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(step, queue[above] as Step)) break;
      queue[place] = queue[above] as Step;
      place = above;
    }
    queue[place] = step;
  }

  private pop(): Step | undefined {
    const { queue } = this;
    const [first] = queue;
    const last = queue.pop();
    if (last === undefined || last === first) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= queue.length) break;
      if (below + 1 < queue.length && isBefore(queue[below + 1] as Step, queue[below] as Step)) below++;
      if (!isBefore(queue[below] as Step, last)) break;
      queue[place] = queue[below] as Step;
      place = below;
    }
    queue[place] = last;
    return first;
  }
}

function isBefore(one: Step, other: Step): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

interface Step {
  readonly at: number;
  readonly turn: number;
  readonly run: () => void;
}

/** Time that stands still between steps: what is scheduled runs in order of time, and of scheduling where that is equal. */
export class Schedule {
  now = 0;
  /** A binary heap, the earliest first. */
  private readonly heap: Step[] = [];
  private turn = 0;

  after(ms: number, run: () => void): void {
    const { heap } = this;
    heap.push({ at: this.now + ms, turn: this.turn++, run });
    let index = heap.length - 1;
    for (let parent = (index - 1) >> 1; index > 0 && this.isBefore(index, parent); parent = (index - 1) >> 1) {
      this.swap(index, parent);
      index = parent;
    }
  }

  /** Runs all that is due until `at`. */
  runUntil(at: number): void {
    for (let step = this.heap[0]; step !== undefined && step.at <= at; step = this.heap[0]) {
      this.takeFirst();
      this.now = step.at;
      step.run();
    }
    this.now = at;
  }

  private takeFirst(): void {
    const { heap } = this;
    const last = heap.pop() as Step;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let index = 0; ; ) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      if (left >= heap.length) return;
      const child = right < heap.length && this.isBefore(right, left) ? right : left;
      if (!this.isBefore(child, index)) return;
      this.swap(index, child);
      index = child;
    }
  }

  private isBefore(left: number, right: number): boolean {
    const [a, b] = [this.heap[left] as Step, this.heap[right] as Step];
    return a.at < b.at || (a.at === b.at && a.turn < b.turn);
  }

  private swap(left: number, right: number): void {
    const step = this.heap[left] as Step;
    this.heap[left] = this.heap[right] as Step;
    this.heap[right] = step;
  }
}

/** Who waits for what becomes of a call, and is told once. A promise of its own for each who does cost a call to another node 1 us. */
export interface Asker {
  answered(value: unknown): void;
  failed(error: unknown): void;
}

/** Tells who waits what the promise comes to. */
export function told(asker: Asker, answer: Promise<unknown>): void {
  answer.then(
    (value) => asker.answered(value),
    (error: unknown) => asker.failed(error),
  );
}

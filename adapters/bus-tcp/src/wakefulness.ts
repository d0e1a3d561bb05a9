/**
 * Keeps the event loop turning for a moment after a write, since most of the time of a lone call goes into waking a core that
 * sleeps: p50 30 us against 86 (design/measured/bus.md). It ends with the first answer: who waits for nothing burns nothing.
 */
export class Wakefulness {
  readonly #windowMs: number;
  #untilMs = 0;
  #turning = false;

  constructor(windowUs: number) {
    this.#windowMs = windowUs / 1_000;
  }

  wrote(): void {
    if (this.#windowMs === 0) return;
    this.#untilMs = performance.now() + this.#windowMs;
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(this.#turn);
  }

  heard(): void {
    this.#untilMs = 0;
  }

  readonly #turn = (): void => {
    if (performance.now() < this.#untilMs) setImmediate(this.#turn);
    else this.#turning = false;
  };
}

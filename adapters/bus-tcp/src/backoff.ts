/** Reconnecting starts at once and slows down; the jitter keeps nodes from returning in step. */
const MIN_MS = 25;
const MAX_MS = 1_000;

/** How long to leave a place alone after so many failures in a row, in milliseconds. */
export function backoffMs(failures: number): number {
  return Math.min(MAX_MS, MIN_MS * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);
}

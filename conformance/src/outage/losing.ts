/** What lies between an engine and its clients, and keeps them apart. */
export interface Way {
  /** Ends every connection; new ones are let through. */
  cut(): void;
  /** Ends every connection, and each new one, until told otherwise. */
  away(isAway: boolean): void;
  /** Lets nothing through until told otherwise: as when the engine's process is stopped. */
  holdUp(isHeldUp: boolean): void;
}

/** How an engine can be lost: its connections break, or it says nothing any more. */
export const losses = ["gone", "silent"] as const;

/** What becomes of questions that the engine is lost under. The way is theirs again only by `restore`. */
export async function lost(way: Way, how: (typeof losses)[number], questions: readonly Question[]): Promise<Ending[]> {
  way.holdUp(true);
  const endings = questions.map(endingOf);
  if (how === "gone") way.away(true);
  return Promise.all(endings);
}

export function restore(way: Way): void {
  way.away(false);
  way.holdUp(false);
}

type Question = () => Promise<unknown>;

export interface Ending {
  /** Of the fault; "answered" where there was none. */
  readonly code: unknown;
  /** Within the 5 s that ports promise, and one more for a busy machine. */
  readonly isInTime: boolean;
}

export async function endingOf(question: Question): Promise<Ending> {
  const beganMs = performance.now();
  const code = await question().then(
    () => "answered",
    (error) => error.code,
  );
  return { code, isInTime: performance.now() - beganMs < 6_000 };
}

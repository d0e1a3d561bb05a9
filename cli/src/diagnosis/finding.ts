/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it, where it is wrong. */
  readonly advice?: string;
}

export function good(name: string, detail: string): Finding {
  return { name, ok: true, detail };
}

export function wrong(name: string, detail: string, advice: string): Finding {
  return { name, ok: false, detail, advice };
}

/** What was opened, to be closed in reverse order, once, even where one of them fails to. */
export class Openings {
  readonly #closers: { readonly name: string; readonly close: () => Promise<unknown> }[] = [];
  #closing: Promise<void> | undefined;

  defer(name: string, close: () => Promise<unknown>): void {
    this.#closers.push({ name, close });
  }

  /** Never raises: tells `onFailure` what could not be closed. */
  close(onFailure: (name: string, error: unknown) => void): Promise<void> {
    this.#closing ??= this.#closeAll(onFailure);
    return this.#closing;
  }

  async #closeAll(onFailure: (name: string, error: unknown) => void): Promise<void> {
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      await next.close().catch((error: unknown) => onFailure(next.name, error));
    }
  }
}

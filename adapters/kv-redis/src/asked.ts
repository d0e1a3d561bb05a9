import { asked as askedInTime } from "@banyan/kernel/kv";

/** What Redis answers. Raises `kv.unavailable`. */
export function asked<T>(question: () => Promise<T>): Promise<T> {
  return askedInTime(() =>
    question().catch((error: unknown) => {
      // The client adds the command that failed: its values must not get into logs.
      if (error instanceof Error && "command" in error) delete error.command;
      throw error;
    }),
  );
}

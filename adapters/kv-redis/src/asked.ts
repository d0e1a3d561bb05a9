import { asked as askedInTime } from "@banyan/kernel/kv";
import { withoutCommand } from "@banyan/redis-client";

/** What Redis answers. Raises `kv.unavailable`. */
export function asked<T>(question: () => Promise<T>): Promise<T> {
  return askedInTime(() =>
    question().catch((error: unknown) => {
      throw withoutCommand(error);
    }),
  );
}

import { within } from "../resilience/within.ts";
import { kvFaults } from "./kv-faults.ts";

/** Within so many milliseconds an engine answers, or it counts as away. */
export const kvAnswerMs = 5_000;

/** What an engine answers. Raises `kv.unavailable` where it fails, or says nothing for `kvAnswerMs`. */
export async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await within(kvAnswerMs, question);
  } catch (cause) {
    throw kvFaults.unavailable(undefined, { cause });
  }
}

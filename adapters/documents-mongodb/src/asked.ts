import { isFault } from "@banyan/kernel";
import { documentsAnswerMs, documentsFaults, within } from "@banyan/kernel/documents";
import { MongoServerError } from "mongodb";

/**
 * What the engine answers, with its errors as ours. The driver's own times are for parts of a question, of which it asks each
 * twice; no option bounds the whole.
 */
export async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await within(documentsAnswerMs, question);
  } catch (cause) {
    throw faultOf(cause);
  }
}

/** Of MongoDB's error codes: a user who may not, or is none. https://github.com/mongodb/mongo/blob/v8.0/src/mongo/base/error_codes.yml */
const mayNot = new Set<unknown>([11, 13, 18]);

/** What the driver failed with, as a fault of ours. */
export function faultOf(cause: unknown): Error {
  if (isFault(cause)) return cause;
  if (cause instanceof MongoServerError && mayNot.has(cause.code))
    return documentsFaults.misconfigured({ reason: `MongoDB does not let us in: ${cause.message}` }, { cause });
  return documentsFaults.unavailable(undefined, { cause });
}

import { isFault } from "@banyan/kernel";
import { documentsAnswerMs, documentsFaults, within } from "@banyan/kernel/documents";
import { BSON, MongoInvalidArgumentError, MongoServerError } from "mongodb";

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

/** Of the same, what will never be taken: bad value, wrong type, nested too deep, names of fields, validation, too large. */
export const refuses = new Set<unknown>([2, 14, 15, 52, 57, 121, 10_334]);

/** What the driver failed with, as a fault of ours. What would fail again whoever asks is no outage: those are waited for. */
export function faultOf(cause: unknown): Error {
  if (isFault(cause)) return cause;
  if (isRefusal(cause)) return documentsFaults.refused({ key: "of this call", reason: cause.message }, { cause });
  if (cause instanceof MongoServerError && mayNot.has(cause.code))
    return documentsFaults.misconfigured({ reason: `MongoDB does not let us in: ${cause.message}` }, { cause });
  return documentsFaults.unavailable(undefined, { cause });
}

/** The driver refuses by itself what is no BSON, and what is too long as BSON, the latter also by running out of its buffer. */
function isRefusal(cause: unknown): cause is Error {
  if (cause instanceof MongoServerError) return refuses.has(cause.code);
  const isTooLong = cause instanceof RangeError || cause instanceof MongoInvalidArgumentError;
  return isTooLong || BSON.BSONError.isBSONError(cause);
}

import { fault, faultType } from "../contract/fault.ts";

/** Within so many milliseconds an engine answers, or it counts as away. */
export const documentsAnswerMs = 5_000;

/** What any engine of documents raises; codes are `documents.<name>`. */
export const documentsFaults = {
  /** The engine cannot be reached, or went away in the middle: some of what was to be kept may be kept. An insertion may be repeated. */
  unavailable: faultType<"documents.unavailable", void>("documents.unavailable", {
    ...fault("unavailable"),
    message: () => "the documents cannot be reached",
  }),
  /** The engine does not take this document, and never will. Of the others in the call some may be kept. */
  refused: faultType<"documents.refused", { readonly key: string; readonly reason: string }>("documents.refused", {
    ...fault("invalid"),
    message: ({ key, reason }) => `the document ${key} cannot be kept: ${reason}`,
  }),
  /** What is there under our names is not what we need, or we may not use it. */
  misconfigured: faultType<"documents.misconfigured", { readonly reason: string }>("documents.misconfigured", {
    ...fault("conflict"),
    message: ({ reason }) => reason,
  }),
} as const;

export { shownUrl } from "../call/shown-url.ts";
export { within } from "../resilience/within.ts";
export { type Collection, defineCollection } from "./collection.ts";
export type {
  DocumentQuery,
  DocumentSet,
  Documents,
  DocumentsScope,
  DocumentsTraits,
  InsertVerdict,
  NewDocument,
} from "./documents.ts";
export { documentsAnswerMs, documentsFaults } from "./documents-faults.ts";
export { dayOf, insertBy, type Kept, keyOf } from "./insertion.ts";

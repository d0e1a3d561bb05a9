/** One action as a node offers it. */
export interface OfferedAction {
  readonly name: string;
  /** What a call to that node names it by. */
  readonly number: number;
  /** Fingerprint of its schemas: equal ones need no comparing. */
  readonly schemas: string;
}

/** What a node says of one service: on the topic `service.<name>`, or to a caller that asked. The whole, never a difference. */
export interface Offer {
  readonly kind: "offer";
  readonly service: string;
  /** Grows with each change of what this node says; one with a smaller number is old. */
  readonly sequence: number;
  /** The machine, for "prefer-local". */
  readonly host: string;
  /** The node has stopped taking calls, for good. */
  readonly leaving: boolean;
  readonly actions: readonly OfferedAction[];
  /** The keys that this node owns of an instanced service; null: it takes every key. */
  readonly instances: readonly string[] | null;
}

/** Topics. Offers are heard by callers of the service, questions by who offers it, so that neither hears its own kind. */
export const topics = {
  offers: (service: string) => `service.${service}`,
  questions: (service: string) => `service.${service}.ask`,
  /** What is meant for one node: answers to its questions. */
  node: (id: string) => `node.${id}`,
};

/** More than any contract declares; an offer beyond it is a fault of its sender. */
const actionsMax = 2_000;

/** The offer, or null for anything that is none: a topic is open to whoever reaches the bus. */
export function offerFrom(value: unknown): Offer | null {
  if (value === null || typeof value !== "object") return null;
  const offer = value as Partial<Offer>;
  const isWhole =
    offer.kind === "offer" &&
    typeof offer.service === "string" &&
    Number.isSafeInteger(offer.sequence) &&
    typeof offer.host === "string" &&
    typeof offer.leaving === "boolean" &&
    Array.isArray(offer.actions) &&
    offer.actions.length <= actionsMax &&
    offer.actions.every(isOfferedAction) &&
    (offer.instances === null || (Array.isArray(offer.instances) && offer.instances.every(isText)));
  return isWhole ? (offer as Offer) : null;
}

function isOfferedAction(value: Partial<OfferedAction> | null): boolean {
  return (
    isText(value?.name) && isText(value?.schemas) && Number.isSafeInteger(value?.number) && Number(value?.number) >= 0
  );
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

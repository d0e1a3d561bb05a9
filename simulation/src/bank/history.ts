/** One account's share of an operation. */
export interface Leg {
  readonly account: string;
  readonly amount: number;
}

/** What a client asked for, and all that it knows of what became of it. */
export interface Operation {
  readonly reference: string;
  readonly action: "transfer" | "credit";
  readonly input: Readonly<Record<string, unknown>>;
  readonly legs: readonly Leg[];
  readonly idempotencyKey: string | undefined;
  /** "unknown" until an answer says more; for good only where there is no key to ask again with. */
  outcome: "ok" | "refused" | "unknown";
  /** The first answer, as JSON; every other one must equal it. */
  answer: string | undefined;
}

/** Everything that clients of a world have asked for. */
export class History {
  readonly operations: Operation[] = [];
  readonly contradictions: string[] = [];

  invoked(operation: Operation): Operation {
    this.operations.push(operation);
    return operation;
  }

  answered(operation: Operation, outcome: "ok" | "refused", answer: string): void {
    if (operation.answer !== undefined && (operation.answer !== answer || operation.outcome !== outcome)) {
      this.contradictions.push(
        `${operation.reference} was answered ${operation.outcome} ${operation.answer}, and then ${outcome} ${answer}`,
      );
    }
    operation.outcome = outcome;
    operation.answer = answer;
  }
}

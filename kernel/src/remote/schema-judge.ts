import { digest } from "../call/ids.ts";
import type { AnyAction } from "../contract/action.ts";
import { inputJsonSchema, outputJsonSchema } from "../contract/schema.ts";
import { canonical } from "../versions/canonical.ts";
import { type ActionSchemas, breakingChanges, type Incompatibility } from "../versions/compatibility.ts";

/** Whether this process can call an action as another node offers it: "unsure" until its schemas were compared. */
export type Verdict = "fits" | "unsure" | Incompatibility;

/** How long a node that did not tell its schemas is left alone. */
const askAgainMs = 1_000;

/** Null for schemas that JSON Schema cannot say: those are taken to be alike. */
export function schemasOf({ definition }: AnyAction): ActionSchemas | null {
  try {
    return { input: inputJsonSchema(definition.input), output: outputJsonSchema(definition.output) };
  } catch {
    return null;
  }
}

/** 16 hexadecimal digits, equal for schemas that say the same of values; "" where they cannot be told. */
export function fingerprint(action: AnyAction): string {
  const schemas = schemasOf(action);
  if (schemas === null) return "";
  return Buffer.from(digest(8, canonical(schemas.input), canonical(schemas.output))).toString("hex");
}

/** The nodes that answer this action with the same schemas: what `balance: "broker"` asks. */
export function groupOf(action: AnyAction): string {
  return `${action.id}.${fingerprint(action) || "any"}`;
}

/**
 * Compares the schemas of one action with those of whoever offers it. Equal fingerprints need no look; another one is asked for
 * once, however many nodes have it.
 */
export class SchemaJudge {
  private readonly action: AnyAction;
  private readonly own: string;
  private readonly verdicts = new Map<string, Verdict>();
  private readonly decided: () => void;

  /** `decided`: a verdict is another than it was. */
  constructor(action: AnyAction, decided: () => void) {
    this.action = action;
    this.own = fingerprint(action);
    this.decided = decided;
  }

  /** `ask` fetches the schemas with that fingerprint from one who has them. */
  verdict(theirs: string, ask: () => Promise<unknown>): Verdict {
    if (theirs === this.own || theirs === "" || this.own === "") return "fits";
    const known = this.verdicts.get(theirs);
    if (known !== undefined) return known;
    this.verdicts.set(theirs, "unsure");
    // What a foreign node tells may be no schema at all; that is no reason to fall.
    ask()
      .then((schemas) => this.judged(schemas))
      .then(
        (verdict) => this.decide(theirs, verdict),
        () => setTimeout(() => this.decide(theirs, undefined), askAgainMs).unref(),
      );
    return "unsure";
  }

  private judged(schemas: unknown): Verdict {
    const own = schemasOf(this.action);
    if (own === null || schemas === null || typeof schemas !== "object") return "fits";
    const [first] = breakingChanges(own, schemas as ActionSchemas);
    return first ?? "fits";
  }

  private decide(theirs: string, verdict: Verdict | undefined): void {
    if (verdict === undefined) this.verdicts.delete(theirs);
    else this.verdicts.set(theirs, verdict);
    this.decided();
  }
}

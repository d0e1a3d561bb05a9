import { type AnyAction, type App, inputJsonSchema, outputJsonSchema } from "@banyan/kernel/app";

type Service = App["services"][number];

/** Who answers: one service of one node. The fields that every answer has (ADR-32, "Standard Field"). */
export interface Instance {
  readonly name: string;
  readonly id: string;
  /** Semantic versioning. */
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where the calls of an action arrive: frames of Banyan, which another client of NATS cannot speak. */
export interface Endpoint {
  readonly name: string;
  readonly subject: string;
  /** The caller's node chooses which node it calls, so no queue group does. */
  readonly queue_group: "";
  readonly metadata: Readonly<Record<string, string>>;
}

/** The actions of a service, commands first. */
export function actionsOf({ contract }: Service): readonly AnyAction[] {
  return contract.actions;
}

/** `withSchemas` false leaves out what is long. */
export function endpointOf(action: AnyAction, options: { subject: string; withSchemas: boolean }): Endpoint {
  const { input, output, access, summary } = action.definition;
  return {
    name: action.name,
    subject: options.subject,
    queue_group: "",
    metadata: {
      kind: action.kind,
      access,
      ...(summary !== undefined && { summary }),
      ...(options.withSchemas && {
        request_schema: JSON.stringify(inputJsonSchema(input)),
        response_schema: JSON.stringify(outputJsonSchema(output)),
      }),
    },
  };
}

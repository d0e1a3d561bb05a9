import { text } from "node:stream/consumers";
import { ask } from "../control/client.ts";
import { CommandFailure, usageFailure } from "../failure.ts";
import { print, printJson } from "../output/terminal.ts";
import { loadConfig } from "../project/config.ts";
import { jsonInput } from "../project/json-input.ts";
import { connectServer } from "../project/project.ts";

interface CallOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly key?: string;
  readonly idempotencyKey?: string;
}

const advice = `Put it in single quotes, as in '{"address":"world:bank"}', or pass - and pipe it in.`;

/** Calls one action of the running server, or by its HTTP route one elsewhere, and prints what it returned. */
export async function call(action: string, inputText: string, options: CallOptions): Promise<void> {
  const input = jsonInput(inputText === "-" ? await text(process.stdin) : inputText, "The input", advice);
  const result =
    options.url === undefined ? await callHere(action, input, options) : await callThere(action, input, options);
  if (options.json) printJson(result);
  else print(JSON.stringify(result, null, 2));
}

async function callHere(action: string, input: unknown, { idempotencyKey }: CallOptions): Promise<unknown> {
  const server = await connectServer();
  return ask(server.socket, { do: "call", action, input, ...(idempotencyKey !== undefined && { idempotencyKey }) });
}

async function callThere(id: string, input: unknown, options: CallOptions): Promise<unknown> {
  const { services } = await loadConfig();
  const actions = services.flatMap(({ contract }) => contract.actions);
  const action = actions.find((candidate) => candidate.id === id);
  if (action === undefined)
    throw usageFailure(`The services of this project have no ${id}.`, "`npx banyan services` lists every action.");
  if (action.definition.http === undefined) {
    throw new CommandFailure(
      `${id} has no HTTP route, so it cannot be called at ${options.url}.`,
      "Call it on the machine where the server runs, without --url.",
    );
  }
  const { createHttpCall, remoteServer } = await import("../http/http-call.ts");
  const { idempotencyKey } = options;
  return createHttpCall(remoteServer(options))(action, input, idempotencyKey === undefined ? {} : { idempotencyKey });
}

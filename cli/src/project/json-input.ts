import { JsonScanner } from "@banyan/gateway/json";
import { CommandFailure, exitCodes } from "../failure.ts";

/** As deep as the gateway takes it. */
const depthMax = 32;

/**
 * JSON of a command line or a pipe. `what` it is and how to give it are told where it is none, or holds what the gateway refuses in a body,
 * too: a key given twice, of which only the last would count, or a number that would not be kept exactly.
 */
export function jsonInput(text: string, what: string, advice: string): unknown {
  const value = parsed(text, what, advice);
  const found = new JsonScanner(depthMax).scan(text);
  if (found === undefined) return value;
  const { path: field, reason } = found;
  const message = `${what} cannot be taken: ${field === "" ? "" : `${field}: `}${reason}.`;
  throw new CommandFailure(message, advice, {
    exitCode: exitCodes.usage,
    code: "cli.malformedInput",
    details: field === "" ? {} : { field },
  });
}

function parsed(text: string, what: string, advice: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `${what} is no JSON: ${(error as Error).message}.`;
    throw new CommandFailure(message, advice, { exitCode: exitCodes.usage, code: "cli.malformedInput", cause: error });
  }
}

/** 0: done. 1: it was tried and failed. 2: the command line, the environment or the configuration is wrong; nothing was tried. 130: Ctrl-C. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

interface FailureOptions {
  readonly exitCode?: number;
  /** Of the fault behind it. */
  readonly code?: string | undefined;
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** Ends a command with text for a person: what happened and why, and what to do about it. Shown without a stack. */
export class CommandFailure extends Error {
  readonly advice: string;
  readonly exitCode: number;
  readonly code: string | undefined;
  readonly details: unknown;

  constructor(
    message: string,
    advice: string,
    { exitCode = exitCodes.failed, code, details, cause }: FailureOptions = {},
  ) {
    super(message, { cause });
    this.name = "CommandFailure";
    this.advice = advice;
    this.exitCode = exitCode;
    this.code = code;
    this.details = details;
  }
}

/** A failure of the command line, the environment or the configuration. */
export function usageFailure(message: string, advice: string): CommandFailure {
  return new CommandFailure(message, advice, { exitCode: exitCodes.usage });
}

const adviceByCode: Readonly<Record<string, string>> = {
  "kernel.unknownAction": "`npx banyan services` lists every action.",
  "kernel.invalidInput": "`npx banyan services SERVICE` shows what each action takes.",
  "kernel.deadline":
    "The server is busy or the work is large: try again, with the same idempotency key if it was a command.",
  "cli.unreachable": "Check the address, and that the server runs.",
  "store.unavailable": "`npx banyan doctor` checks the database.",
};

/** A fault of the application, told to whoever ran the command. */
export function faultFailure(fault: {
  message: string;
  code: string;
  details?: unknown;
  cause?: unknown;
}): CommandFailure {
  const { message, code, details, cause } = fault;
  return new CommandFailure(`${message} (${code})`, adviceByCode[code] ?? "", { code, details, cause });
}

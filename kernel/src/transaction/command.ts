import type { Binding, ValidCall } from "../call/context.ts";
import { canonicalJson, digest, uuidv7Bytes } from "../call/ids.ts";
import type { Scope } from "../call/scope.ts";
import type { AnyCommand } from "../contract/action.ts";
import { type Fault, faultFromRecord, faultRecord, isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { Outcome } from "../store/outcome.ts";
import { AlreadyRecorded, type CommandKey, type CommandRecord, type CommandTransaction } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import { pause } from "./pause.ts";
import { Work } from "./work.ts";

/*
 * A command, in numbered promises:
 * C1  The handler's rows, events, jobs and its record commit together or not at all.
 * C2  Of calls with one (tenant, idempotency key) one takes effect; the others get its outcome, business faults included,
 *     or `kernel.idempotencyConflict` where action or input differ.
 * C3  Only an outcome that would be the same again is recorded: a result, or a declared fault with retry "no".
 * C4  A transaction that lost to another is run again; one whose COMMIT is uncertain only where a key can tell (C2).
 * C5  Nothing commits after the deadline.
 */

export function runCommand(call: ValidCall): Promise<unknown> {
  const key = commandKey(call);
  return untilDecided(call.context.scope, key, () => attemptCommand(call, key));
}

const attemptsMax = 8;

/** C4. Tries until there is an answer, a fault that stands, or no time; one uncertain try makes giving up uncertain. */
export async function untilDecided<T>(
  scope: Scope,
  key: CommandKey | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  let uncertain: unknown;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!runsAgain(error, key)) throw error;
      if (storeFaults.uncertain.is(error)) uncertain = error;
      if (tries === attemptsMax) throw uncertain ?? error;
      await pause(tries, scope, uncertain ?? error);
    }
  }
}

async function attemptCommand(call: ValidCall, key: CommandKey | undefined): Promise<unknown> {
  const { binding, context, value } = call;
  const { runtime, service } = binding;
  const { scope } = context;
  scope.check();
  const transaction = runtime.storeFor(service).beginCommands(key === undefined ? [] : [key], scope);
  const work = new Work(context.origin, () => runtime.clock.now());
  try {
    const handler = binding.handler as NonNullable<Binding["handler"]>;
    const answer = await handler(context.inTransaction(work, transaction.sql), value);
    const output = binding.checkOutput === null ? answer : binding.checkOutput(answer);
    scope.check();
    const recorded = isRecorded(binding, key)
      ? [commandRecord(call, key, { result: storedAnswer(binding, output) })]
      : [];
    const { events, jobs } = work.close();
    const committed = await transaction.commit({ events, jobs, commands: recorded });
    runtime.afterCommit(service, [work], committed);
    return output;
  } catch (error) {
    work.close();
    if (key !== undefined && isRecordable(binding, error)) {
      return refuse(call, transaction, { key, fault: error });
    }
    await transaction.rollback();
    if (error instanceof AlreadyRecorded) return replay(call, key, error.records);
    if (runsAgain(error, key)) throw error;
    return binding.rethrow(error);
  }
}

/** Stores the fault under its key, so that a replay gets it too. */
async function refuse(
  call: ValidCall,
  transaction: CommandTransaction,
  { key, fault }: { readonly key: CommandKey; readonly fault: Fault },
): Promise<unknown> {
  try {
    await transaction.refuse([commandRecord(call, key, { fault: faultRecord(fault) })]);
  } catch (error) {
    await transaction.rollback();
    if (error instanceof AlreadyRecorded) return replay(call, key, error.records);
    throw error;
  }
  throw fault;
}

export function commandKey({ binding, context, value }: ValidCall): CommandKey | undefined {
  const { idempotencyKey, origin } = context;
  if (idempotencyKey === undefined) return undefined;
  return {
    id: digest(16, origin.identity.tenant, idempotencyKey),
    bodyHash: digest(32, binding.action.id, canonicalJson(value)),
  };
}

export function commandRecord(
  { binding, context }: ValidCall,
  key: CommandKey | undefined,
  outcome: Outcome,
): CommandRecord {
  const { identity, traceId } = context.origin;
  return {
    id: key?.id ?? uuidv7Bytes(binding.runtime.clock.now()),
    bodyHash: key?.bodyHash ?? new Uint8Array(),
    tenant: identity.tenant,
    actor: identity.subject,
    action: binding.action.id,
    traceId,
    outcome,
    ...(context.under !== undefined && { under: context.under }),
  };
}

/** The outcome that was stored under the key. */
export function replay(call: ValidCall, key: CommandKey | undefined, records: readonly CommandRecord[]): unknown {
  const record = records.find(({ id }) => key !== undefined && Buffer.compare(id, key.id) === 0);
  if (record === undefined || key === undefined) throw new Error("the store answered a record that nobody asked for");
  if (Buffer.compare(record.bodyHash, key.bodyHash) !== 0) {
    throw kernelFaults.idempotencyConflict({ action: call.binding.action.id });
  }
  if (call.context.notes !== undefined) call.context.notes.replayed = true;
  if ("fault" in record.outcome) throw faultFromRecord(record.outcome.fault);
  if (answersOnce(call.binding)) throw kernelFaults.answeredOnce({ action: call.binding.action.id });
  return JSON.parse(record.outcome.result);
}

/** The answer as JSON, for who comes again with the key; of one that holds a secret, nothing. */
export function storedAnswer(binding: Binding, output: unknown): string {
  return answersOnce(binding) ? "null" : JSON.stringify(output ?? null);
}

const answersOnce = ({ action }: Binding) => (action as AnyCommand).definition.answers === "once";

/** C3. A store's fault tells of the moment, not of the command. */
export function isRecordable(binding: Binding, error: unknown): error is Fault {
  return isFault(error) && error.retry === "no" && binding.codes.has(error.code);
}

/** Whether a result is kept: for who comes again with the key, and for the audit where the contract wants one. */
export function isRecorded({ action }: Binding, key: CommandKey | undefined): boolean {
  return key !== undefined || (action as AnyCommand).definition.record !== "keyed";
}

function runsAgain(error: unknown, key: CommandKey | undefined): boolean {
  if (storeFaults.contended.is(error) || storeFaults.unavailable.is(error)) return true;
  return storeFaults.uncertain.is(error) && key !== undefined;
}

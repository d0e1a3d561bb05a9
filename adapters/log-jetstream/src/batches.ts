import { randomUUID } from "node:crypto";
import { type LogMessage, logFaults } from "@banyan/kernel/log";
import type { MsgHdrs } from "@nats-io/transport-node";
import type { Link } from "./link.ts";
import { headersOf } from "./message.ts";
import type { Names } from "./names.ts";

/** The server's limit. */
export const batchMessagesMax = 1_000;

const answerTimeoutMs = 5_000;

/** The server's word against what was asked, not against the moment. */
const badRequest = 400;

/** The server's number for a message above the stream's limit. */
const tooLarge = 10054;

interface Answer {
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

/**
 * Keeps messages in atomic batches: the server stores all of one or none, so that nothing is kept behind what was lost or refused.
 * It answers the last message, which commits the batch. nats-server 2.12 or newer.
 * https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-50.md
 */
export class Batches {
  private readonly link: Link;
  private readonly names: Names;

  constructor(link: Link, names: Names) {
    this.link = link;
    this.names = names;
  }

  /** Raises `log.unavailable`, `log.refused`. */
  async keep(messages: readonly LogMessage[]): Promise<void> {
    const { error } = await this.link.whileUp(() => this.commit(messages));
    if (error?.code === badRequest) await this.keepOneByOne(messages);
    else if (error !== undefined) throw unavailable(error);
  }

  /**
   * Some are there already, of a call that seemed to fail: the server refuses a batch with such, but takes each by itself. Or one
   * is too large, and it is to be told which.
   */
  private async keepOneByOne(messages: readonly LogMessage[]): Promise<void> {
    for (const message of messages) {
      const { error } = await this.link.whileUp(() => this.publish(message, headersOf(message)));
      if (error?.err_code === tooLarge) throw logFaults.refused({ id: message.id, reason: textOf(error) });
      if (error !== undefined) throw unavailable(error);
    }
  }

  private commit(messages: readonly LogMessage[]): Promise<Answer> {
    const batch = randomUUID();
    const last = messages.length - 1;
    const fieldsOf = (message: LogMessage, index: number) => {
      const fields = headersOf(message);
      fields.append("Nats-Batch-Id", batch);
      fields.append("Nats-Batch-Sequence", String(index + 1));
      return fields;
    };
    for (const [index, message] of messages.entries()) {
      const headers = fieldsOf(message, index);
      if (index < last) this.link.connection.publish(this.names.subject(message.type), message.body, { headers });
      else {
        headers.append("Nats-Batch-Commit", "1");
        return this.publish(message, headers);
      }
    }
    return Promise.resolve({});
  }

  private async publish({ type, body }: LogMessage, headers: MsgHdrs): Promise<Answer> {
    const options = { headers, timeout: answerTimeoutMs };
    const answer = await this.link.connection.request(this.names.subject(type), body, options);
    return answer.json<Answer>();
  }
}

function unavailable(error: NonNullable<Answer["error"]>): Error {
  return logFaults.unavailable(undefined, { cause: new Error(textOf(error)) });
}

function textOf({ description, err_code }: NonNullable<Answer["error"]>): string {
  return `the server says: ${description ?? "an error without a word"} (${err_code})`;
}

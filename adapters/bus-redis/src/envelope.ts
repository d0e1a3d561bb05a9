/**
 * What is published: one byte with the length of the sender's name, the name, and what it sent. Redis tells the channel of a
 * message and not who published it.
 */
export interface Envelope {
  readonly sender: string;
  readonly content: Buffer;
}

/** A name is up to 64 of these (NodeRef.id). */
const nodeId = /^[\w-]{1,64}$/;

/** Puts the own node's name before what it sends. */
export class Sealer {
  private readonly head: Buffer;

  constructor(id: string) {
    this.head = Buffer.concat([Buffer.of(id.length), Buffer.from(id, "latin1")]);
  }

  /** A copy: ioredis makes its own from it before `publish` returns, so that the caller's bytes are free at once. */
  seal(content: Uint8Array): Buffer {
    const sealed = Buffer.allocUnsafe(this.head.length + content.length);
    sealed.set(this.head);
    sealed.set(content, this.head.length);
    return sealed;
  }
}

/** Null where no node can have sent this. */
export function unseal(sealed: Buffer): Envelope | null {
  const end = 1 + (sealed[0] ?? 0);
  const sender = sealed.toString("latin1", 1, end);
  return sender.length === end - 1 && nodeId.test(sender) ? { sender, content: sealed.subarray(end) } : null;
}

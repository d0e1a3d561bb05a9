/** What a small call may wait behind, however many streams there are: two of them move as fast as they can. */
const unreadBytesMax = 256_000;
const markBytes = 64_000;

/**
 * Chunks of all flows of a link that the peer has not read yet. Every ping is a mark among them, and its pong says that the peer
 * has read as far: a credit does not, for it is for what a stream's reader has taken, who may be slow where the link is not.
 *
 * U1 `bytes` is the sum of those behind each mark that is under way, and of fewer than `markBytes` behind the last: where it is
 *    full, a pong is on its way that makes room.
 */
export class Unread {
  private bytes = 0;
  private unmarkedBytes = 0;
  private readonly marks: { readonly time: number; readonly bytes: number }[] = [];

  get isFull(): boolean {
    return this.bytes >= unreadBytesMax;
  }

  /** Answers whether it is time for a mark. */
  sent(bytes: number): boolean {
    this.bytes += bytes;
    this.unmarkedBytes += bytes;
    return this.unmarkedBytes >= markBytes;
  }

  marked(time: number): void {
    if (this.unmarkedBytes === 0) return;
    this.marks.push({ time, bytes: this.unmarkedBytes });
    this.unmarkedBytes = 0;
  }

  /** The mark of this time has come back. */
  readUntil(time: number): void {
    for (let [mark] = this.marks; mark !== undefined && mark.time <= time; [mark] = this.marks) {
      this.bytes -= mark.bytes;
      this.marks.shift();
    }
  }

  clear(): void {
    this.bytes = 0;
    this.unmarkedBytes = 0;
    this.marks.length = 0;
  }
}

/** What an exchange takes and holds at most. Every queue and table of it has its bound here. */
export interface ExchangeLimits {
  /** Of one frame; the smaller one of two nodes counts, and what the bus moves at once. A larger payload goes in chunks. */
  readonly frameBytesMax: number;
  /** Of one input or answer, put together from its chunks. */
  readonly payloadBytesMax: number;
  /**
   * Of one chunk. Four of them with their headers, which is what one grant lets go, leave in one batch and arrive in one read of Node,
   * 64 KB: with 16 KB they did not, and a stream was a fifth slower.
   */
  readonly chunkBytes: number;
  /**
   * Under way in one direction of one stream before its reader has taken some: what a small call may wait behind. 800 MB/s at a p99
   * of 0.5 ms for the calls; half of it 400 at 0.35, twice as much 1,600 at 0.65 (`npm run bench -- bus`).
   */
  readonly creditBytes: number;
  /** Calls that wait for their answer, of the whole process. */
  readonly pendingMax: number;
  /** Calls of one peer that run here. */
  readonly inFlightMax: number;
  /** Streams of one peer, large payloads included, that are open here. */
  readonly streamsMax: number;
  /** On their way to one peer that does not read: from there on new calls to it are refused. */
  readonly queuedBytesMax: number;
  /** From our hello to the peer's. */
  readonly handshakeMs: number;
  /** Nodes that it knows at a time. */
  readonly peersMax: number;
}

/** What holds where nothing else is said. */
export const defaultLimits: ExchangeLimits = {
  frameBytesMax: 65_536,
  payloadBytesMax: 16 * 1_048_576,
  chunkBytes: 16_000,
  creditBytes: 128_000,
  pendingMax: 65_536,
  inFlightMax: 4_096,
  streamsMax: 256,
  queuedBytesMax: 16 * 1_048_576,
  handshakeMs: 2_000,
  peersMax: 4_096,
};

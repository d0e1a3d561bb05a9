/** Why somebody is turned away: few words, so that they can be counted. */
export type Refusal =
  /** The first bytes are not ours: a browser, a port scanner, TLS where none is spoken. */
  | "foreign"
  | "version"
  /** It began as ours and went on as nonsense. */
  | "garbled"
  | "slow"
  /** More connections than may are still without a preamble; the oldest goes. */
  | "crowded"
  /** No TLS 1.3, or no TLS at all. */
  | "tls"
  | "certificate_missing"
  | "certificate_untrusted"
  | "certificate_expired"
  /** Signed by our authority, yet without the name of any service. */
  | "certificate_unnamed"
  /** It is said to offer what its certificate does not name: somebody lied about it, or it did. */
  | "service_not_named"
  /** It wants another node than this one: a process that was replaced at this address. */
  | "stranger"
  /** Both dialled at once, and the other's connection stays. Nobody is to blame. */
  | "crossed"
  /** The node is on its way out. */
  | "closing";

/** A connection that one of both ends does not want. */
export class Refused extends Error {
  readonly reason: Refusal;

  constructor(reason: Refusal, message: string) {
    super(message);
    this.name = "Refused";
    this.reason = reason;
  }
}

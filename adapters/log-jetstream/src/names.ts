/** What the log is called at the server. */
export class Names {
  /** The stream of all messages. */
  readonly stream: string;
  /** The stream of the groups' places: a bucket of NATS' own key-value store. */
  readonly places: string;
  private readonly namespace: string;

  constructor(namespace: string) {
    if (!/^[\w-]{1,64}$/.test(namespace))
      throw new Error(`"${namespace}" is no namespace: letters, digits, "-" and "_"`);
    this.namespace = namespace;
    this.stream = `${namespace}-log`;
    this.places = `KV_${namespace}-groups`;
  }

  /** Where messages of a type go: "banyan.log.ledger.posted"; ">" stands for all. */
  subject(type: string): string {
    return `${this.namespace}.log.${type}`;
  }

  typeOf(subject: string): string {
    return subject.slice(this.namespace.length + ".log.".length);
  }

  /** Where a group's place is; ">" stands for all groups. */
  place(group: string): string {
    return `$KV.${this.namespace}-groups.${group}`;
  }
}

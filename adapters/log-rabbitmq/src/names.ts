/** What the log is called at the server. */
export class Names {
  /** The exchange that every message goes to, by its type. */
  readonly events: string;
  /** The exchange, and the stream behind it, of messages whose type no group takes. */
  readonly unclaimed: string;
  private readonly namespace: string;

  constructor(namespace: string) {
    if (!/^[\w-]{1,64}$/.test(namespace))
      throw new Error(`"${namespace}" is no namespace: letters, digits, "-" and "_"`);
    this.namespace = namespace;
    this.events = `${namespace}.events`;
    this.unclaimed = `${namespace}.unclaimed`;
  }

  /** A group's queue. */
  queue(group: string): string {
    return `${this.namespace}.group.${group}`;
  }

  /** What was unclaimed when the group began, ending in a fence. There until the group has had it. */
  history(group: string): string {
    return `${this.queue(group)}.history`;
  }

  /** There while a group's history is not whole. An exchange without a binding is the cheapest thing that RabbitMQ keeps. */
  behind(group: string): string {
    return `${this.queue(group)}.behind`;
  }
}

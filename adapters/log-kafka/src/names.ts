/** What the log is called at the cluster. */
export class Names {
  /** The topic of all messages. */
  readonly topic: string;
  private readonly namespace: string;

  constructor(namespace: string) {
    if (!/^[\w-]{1,64}$/.test(namespace))
      throw new Error(`"${namespace}" is no namespace: letters, digits, "-" and "_"`);
    this.namespace = namespace;
    this.topic = `${namespace}.events`;
  }

  group(name: string): string {
    return `${this.namespace}.${name}`;
  }
}

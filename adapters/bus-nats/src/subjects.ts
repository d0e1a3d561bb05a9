/**
 * The subjects of one namespace: `<namespace>.<kind>.<name>.<sender>`. The sender is the last token, so that whoever hears a
 * message knows who sent it without looking inside, and a server's permissions can tie a user to its names.
 */
export class Subjects {
  private readonly namespace: string;

  constructor(namespace: string) {
    if (!/^[\w-]{1,64}$/.test(namespace))
      throw new Error(`"${namespace}" is no namespace: letters, digits, "-" and "_"`);
    this.namespace = namespace;
  }

  of(kind: "node" | "group" | "topic" | "unheard", name: string, sender: string): string {
    return `${this.namespace}.${kind}.${token(name)}.${sender}`;
  }
}

/** Any name as one token: NATS gives a meaning to ".", "*", ">" and white space. */
function token(name: string): string {
  return encodeURIComponent(name).replaceAll(".", "%2E").replaceAll("*", "%2A");
}

const nodeId = /^[\w-]{1,64}$/;

/** The last token where it can be a node's name, otherwise null. */
export function senderOf(subject: string): string | null {
  const sender = subject.slice(subject.lastIndexOf(".") + 1);
  return nodeId.test(sender) ? sender : null;
}

import type { NodeRef } from "@banyan/kernel/bus";
import type { Subjects } from "./subjects.ts";

/** Strangers beyond so many nodes are not listened to: whoever may publish could otherwise fill this process with names. */
const waysMax = 10_000;

/** How one other node is reached, and how it is told that this one sent. */
export interface Way {
  readonly node: NodeRef;
  readonly subject: string;
  /** Heard on the own subject for this node. The server sends its 503 there when that node is gone. */
  readonly published: { readonly reply: string };
}

/** The nodes that this one has sent to or heard from. */
export class Ways {
  private readonly subjects: Subjects;
  private readonly id: string;
  private readonly ways = new Map<string, Way>();

  constructor(subjects: Subjects, id: string) {
    this.subjects = subjects;
    this.id = id;
  }

  get(id: string): Way | undefined {
    return this.ways.get(id);
  }

  to({ id }: { readonly id: string }): Way {
    return this.ways.get(id) ?? this.add(id);
  }

  /** Null when there are too many already. */
  from(id: string): Way | null {
    return this.ways.get(id) ?? (this.ways.size < waysMax ? this.add(id) : null);
  }

  forget(id: string): void {
    this.ways.delete(id);
  }

  nodes(): NodeRef[] {
    return [...this.ways.values()].map(({ node }) => node);
  }

  private add(id: string): Way {
    const way = {
      node: { id, address: "" },
      subject: this.subjects.of("node", id, this.id),
      published: { reply: this.subjects.of("node", this.id, id) },
    };
    this.ways.set(id, way);
    return way;
  }
}

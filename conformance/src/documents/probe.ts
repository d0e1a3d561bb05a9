import { randomBytes } from "node:crypto";
import { type DocumentSet, type Documents, defineCollection } from "@banyan/kernel/documents";
import * as z from "zod";
import type { Way } from "../outage/losing.ts";

/** An engine of documents and the means to be its client. */
export interface DocumentsFixture {
  /** One more client, not opened, as another process would have it; all see the same documents, which nobody else uses. */
  createDocuments(): Documents;
  /** That every client goes. */
  readonly way: Way;
  close(): Promise<void>;
}

const dayMs = 86_400_000;

/** What somebody said in a room. */
const Post = z.object({
  room: z.string(),
  id: z.string(),
  author: z.string().nullable(),
  at: z.int(),
  turn: z.int(),
  receivedAt: z.int(),
  content: z.record(z.string(), z.unknown()),
});
export type Post = z.infer<typeof Post>;

const posts = defineCollection("probe.post", {
  schema: Post,
  key: ["room", "id"],
  day: "receivedAt",
  keepDays: 30,
  order: ["at", "turn"],
  indexes: ["room", "author"],
});

/** Midday, so that a few hours more or less are the same day. */
export const today = Math.floor(Date.now() / dayMs) * dayMs + dayMs / 2;
export const daysAgo = (days: number) => today - days * dayMs;

let turns = 0;

/** A post in a room of its own, unless another is named. */
export function post(more: Partial<Post> = {}): Post {
  const turn = turns++;
  const id = `post-${turn}`;
  return { room: newRoom(), id, author: null, at: today, turn, receivedAt: today, content: {}, ...more };
}

export const newRoom = () => `room-${randomBytes(5).toString("hex")}`;

/** As many posts of one room, a millisecond apart. */
export function postsOf(room: string, count: number, more: Partial<Post> = {}): Post[] {
  return Array.from({ length: count }, (_, index) => post({ room, at: today + index, ...more }));
}

/** Insertions that are each another's. */
export const fresh = (documents: readonly Post[]) =>
  documents.map((document) => ({ document, insertion: `${document.turn} ${randomBytes(5).toString("hex")}` }));

/** Opens clients, and closes what a test opened. */
export class DocumentsProbe {
  readonly fixture: DocumentsFixture;
  private readonly opened: Documents[] = [];

  constructor(fixture: DocumentsFixture) {
    this.fixture = fixture;
  }

  async documents(): Promise<Documents> {
    const documents = this.fixture.createDocuments();
    this.opened.push(documents);
    await opened(documents);
    return documents;
  }

  /** A client's posts of one tenant. */
  async posts(tenant = "acme"): Promise<DocumentSet<Post>> {
    return setOf(await this.documents(), tenant);
  }

  async clear(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((documents) => documents.close({ deadlineMs: 1_000 })));
  }
}

export function opened(documents: Documents): Promise<void> {
  return documents.open({ collections: [posts], signal: AbortSignal.timeout(20_000) });
}

/** Posts of one tenant, outside of transactions. */
export function setOf(documents: Documents, tenant = "acme"): DocumentSet<Post> {
  const sql = () => {
    throw new Error("no transaction is open");
  };
  return documents.of(posts, { tenant, sql });
}

import { randomBytes } from "node:crypto";
import type { KeyValues, Kv } from "@banyan/kernel/kv";
import type { Way } from "../outage/losing.ts";

/** An engine of keys and values and the means to be its client. */
export interface KvFixture {
  /** One more client, not opened, as another process would have it; all see the same keys, which nobody else uses. */
  createKv(): Kv;
  /** That every client goes. */
  readonly way: Way;
  close(): Promise<void>;
}

/** Opens clients, and closes what a test opened. */
export class KvProbe {
  readonly fixture: KvFixture;
  private readonly opened: Kv[] = [];

  constructor(fixture: KvFixture) {
    this.fixture = fixture;
  }

  async kv(): Promise<Kv> {
    const kv = this.fixture.createKv();
    this.opened.push(kv);
    await kv.open({ signal: AbortSignal.timeout(20_000) });
    return kv;
  }

  /** As many clients of one space that no other test uses. */
  async clients<const N extends number>(count: N): Promise<KeyValues[]> {
    const space = `probe${randomBytes(5).toString("hex")}`;
    return Promise.all(Array.from({ length: count }, async () => (await this.kv()).space(space)));
  }

  async clear(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((kv) => kv.close({ deadlineMs: 1_000 })));
  }
}

/** For what engines do by their own clock. */
export const patience = { timeout: 20_000, interval: 20 };

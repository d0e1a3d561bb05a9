import { asked, type Bucket, type KeyValues, kvFaults, type Lock, type Standing } from "@banyan/kernel/kv";
import type { Pool } from "pg";
import { type Listening, notified } from "./listening.ts";

/** PostgreSQL's 8,000 bytes of a notification, with room for the channel's name. */
export const messageBytesMax = 7_500;

/** When what has no end of its own is over. */
const never = "'infinity'::timestamptz";
const now = "clock_timestamp()";

/** Keys of one space, in rows. */
export class PostgresSpace implements KeyValues {
  private readonly pool: Pool;
  private readonly listening: Listening;
  private readonly space: string;

  constructor(pool: Pool, listening: Listening, space: string) {
    this.pool = pool;
    this.listening = listening;
    this.space = space;
  }

  async get(key: string): Promise<string | undefined> {
    const [row] = await this.query<{ value: string }>(
      "get",
      `SELECT value FROM kv.value WHERE space = $1 AND key = $2 AND expires_at > ${now}`,
      [key],
    );
    return row?.value;
  }

  async set(key: string, value: string, options: Parameters<KeyValues["set"]>[2] = {}): Promise<boolean> {
    const { ttlMs = null, ifAbsent = false } = options;
    const rows = await this.query(
      "set",
      `INSERT INTO kv.value AS kept VALUES ($1, $2, $3, ${endOf("$4")})
       ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
       WHERE NOT $5::boolean OR kept.expires_at <= ${now} RETURNING 1`,
      [key, value, ttlMs, ifAbsent],
    );
    return rows.length === 1;
  }

  async delete(key: string): Promise<boolean> {
    const [row] = await this.query<{ wasThere: boolean }>(
      "delete",
      `DELETE FROM kv.value WHERE space = $1 AND key = $2 RETURNING expires_at > ${now} AS "wasThere"`,
      [key],
    );
    return row?.wasThere ?? false;
  }

  async count(key: string, by: number, { ttlMs }: { readonly ttlMs?: number } = {}): Promise<number> {
    const [row] = await this.query<{ value: string }>(
      "count",
      `INSERT INTO kv.counter AS kept VALUES ($1, $2, $3, ${endOf("$4")})
       ON CONFLICT (space, key) DO UPDATE SET
         value = CASE WHEN kept.expires_at > ${now} THEN kept.value ELSE 0 END + excluded.value,
         expires_at = CASE WHEN kept.expires_at > ${now} AND kept.expires_at < ${never} THEN kept.expires_at ELSE excluded.expires_at END
       RETURNING value`,
      [key, by, ttlMs ?? null],
    );
    return Number(row?.value);
  }

  async take(key: string, tokens: number, { capacity, perSecond }: Bucket): Promise<number> {
    const [row] = await this.query<{ waitMs: number }>("take", `SELECT kv.take($1, $2, $3, $4, $5) AS "waitMs"`, [
      key,
      tokens,
      capacity,
      perSecond,
    ]);
    return row?.waitMs ?? 0;
  }

  async lock(key: string, { ttlMs }: { readonly ttlMs: number }): Promise<Lock | undefined> {
    const [row] = await this.query<{ fence: string }>(
      "lock",
      `INSERT INTO kv.lock AS held VALUES ($1, $2, nextval('kv.fence'), ${endOf("$3")})
       ON CONFLICT (space, key) DO UPDATE SET fence = nextval('kv.fence'), expires_at = excluded.expires_at
       WHERE held.expires_at <= ${now} RETURNING fence`,
      [key, ttlMs],
    );
    if (row === undefined) return undefined;
    const { fence } = row;
    const held = `space = $1 AND key = $2 AND fence = $3 AND expires_at > ${now}`;
    const extend = `UPDATE kv.lock SET expires_at = ${endOf("$4")} WHERE ${held} RETURNING 1`;
    const release = `DELETE FROM kv.lock WHERE ${held} RETURNING 1`;
    return {
      fence: Number(fence),
      extend: async (longerMs) => (await this.query("extend", extend, [key, fence, longerMs])).length === 1,
      release: async () => (await this.query("release", release, [key, fence])).length === 1,
    };
  }

  async score(board: string, member: string, by: number): Promise<number> {
    const [row] = await this.query<{ score: number }>(
      "score",
      `INSERT INTO kv.score AS kept VALUES ($1, $2, $3, $4)
       ON CONFLICT (space, board, member) DO UPDATE SET score = kept.score + excluded.score RETURNING score`,
      [board, member, by],
    );
    return row?.score ?? by;
  }

  top(board: string, limit: number): Promise<Standing[]> {
    return this.query<Standing>(
      "top",
      "SELECT member, score FROM kv.score WHERE space = $1 AND board = $2 ORDER BY score DESC, member DESC LIMIT $3",
      [board, limit],
    );
  }

  async rank(board: string, member: string): Promise<number | undefined> {
    const [row] = await this.query<{ rank: number }>(
      "rank",
      `SELECT (SELECT count(*)::integer + 1 FROM kv.score AS other
         WHERE other.space = $1 AND other.board = $2 AND (other.score, other.member) > (own.score, own.member)) AS rank
       FROM kv.score AS own WHERE space = $1 AND board = $2 AND member = $3`,
      [board, member],
    );
    return row?.rank;
  }

  async publish(channel: string, message: string): Promise<void> {
    const named = `${this.space}:${channel}`;
    if (Buffer.byteLength(message) > messageBytesMax) throw kvFaults.tooLarge({ bytesMax: messageBytesMax });
    await asked(() => this.pool.query("SELECT pg_notify($1, $2)", [notified, `${named}\n${message}`]));
  }

  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    return this.listening.add(`${this.space}:${channel}`, listener);
  }

  private async query<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    const statement = { name: `kv ${name}`, text, values: [this.space, ...values] };
    return (await asked(() => this.pool.query<Row>(statement))).rows;
  }
}

/** The end of what lives so many milliseconds; null lives on. */
function endOf(parameter: string): string {
  return `coalesce(${now} + ${parameter}::double precision * interval '1 ms', ${never})`;
}

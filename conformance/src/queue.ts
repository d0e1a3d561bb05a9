import { randomUUID } from "node:crypto";
import type { JobType, Ticket, TicketQueue } from "@banyan/kernel/jobs";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

/** A server that hands out tickets, and the means to be its client. */
export interface QueueFixture {
  /** One more client, not open, as another process would have it; all see the same tickets, which nobody else uses. */
  createQueue(): QueueClient;
  /** Ends every client's connections once; each may connect again. */
  interrupt(): void;
  close(): Promise<void> | void;
}

/** One process's way to the tickets. */
export interface QueueClient {
  readonly queue: TicketQueue;
  /** Lets nothing pass between it and the server, as if its process were stopped, until told to go on. */
  holdUp(isHeldUp: boolean): void;
}

/** Redis and its like need a moment after a cut, and a busy machine needs another. */
const patience = { timeout: 30_000, interval: 10 };
const leaseMs = 60_000;

/** What the workers of a test did. */
class Runs {
  readonly ids: string[] = [];
  running = 0;
  mostAtOnce = 0;
  private readonly ended: Promise<void>;
  /** Lets those go on that wait to be told. */
  readonly end: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.end = resolve;
  }

  readonly run = async ({ ids }: Ticket): Promise<void> => {
    this.ids.push(...ids);
    this.running++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    // As long as a job that does little, so that runs of two workers meet.
    await new Promise((resolve) => setTimeout(resolve, 2));
    this.running--;
  };

  readonly runUntilTold = async (ticket: Ticket): Promise<void> => {
    this.ids.push(...ticket.ids);
    this.running++;
    await this.ended;
    this.running--;
  };

  async came(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.ids.length).toBeGreaterThanOrEqual(count), patience);
  }
}

class Probe {
  private readonly fixture: QueueFixture;
  private readonly clients: QueueClient[] = [];

  constructor(fixture: QueueFixture) {
    this.fixture = fixture;
  }

  /** Opened for the types. */
  async client(...types: JobType[]): Promise<QueueClient> {
    const client = this.fixture.createQueue();
    this.clients.push(client);
    await client.queue.open(types);
    return client;
  }

  async clear(): Promise<void> {
    const clients = this.clients.splice(0);
    for (const client of clients) client.holdUp(false);
    await Promise.all(clients.map(({ queue }) => queue.close()));
  }
}

function newType(part: Partial<JobType> = {}): JobType {
  const type = `probe.job-${randomUUID()}`;
  return { type, rateLimit: undefined, concurrency: undefined, schedule: undefined, ...part };
}

function newTicket({ type }: JobType, priority: Ticket["priority"] = "normal"): Ticket {
  return { ids: [randomUUID()], type, priority };
}

const idsOf = (tickets: readonly Ticket[]) => tickets.flatMap(({ ids }) => ids);

/** Holds an adapter to every promise of `TicketQueue`, one test per promise. */
export function queueConformance(name: string, setUp: () => Promise<QueueFixture>): void {
  describe(`${name} is a TicketQueue`, { timeout: 60_000 }, () => {
    let fixture: QueueFixture;
    let probe: Probe;
    beforeAll(async () => {
      fixture = await setUp();
      probe = new Probe(fixture);
    });
    afterEach(() => probe.clear());
    afterAll(() => fixture.close());

    handingClauses(() => probe);
    limitClauses(() => probe);
    endingClauses(
      () => probe,
      () => fixture.interrupt(),
    );
  });
}

function handingClauses(probe: () => Probe): void {
  test("Q1 each ticket comes to one of the workers, once, as it was offered", async () => {
    const [one, other] = [newType(), newType()];
    const [{ queue: first }, { queue: second }] = [await probe().client(one, other), await probe().client(one, other)];
    const came: Ticket[] = [];
    const run = async (ticket: Ticket) => void came.push(ticket);
    for (const queue of [first, second]) queue.work({ concurrency: 5, leaseMs }, run);
    const tickets = Array.from({ length: 60 }, (_, n) => {
      const ticket = newTicket(n % 2 === 0 ? one : other, n % 3 === 0 ? "high" : "low");
      return n % 5 === 0 ? { ...ticket, ids: [...ticket.ids, randomUUID(), randomUUID()] as const } : ticket;
    });
    await first.offer(tickets.slice(0, 30));
    await second.offer(tickets.slice(30));
    await vi.waitFor(() => expect(came.length).toBeGreaterThanOrEqual(60), patience);
    const byId = (a: Ticket, b: Ticket) => (a.ids[0] < b.ids[0] ? -1 : 1);
    expect(came.sort(byId)).toEqual(tickets.sort(byId));
  });

  test("Q1 a ticket of a worker that fell silent comes to another", async () => {
    const type = newType();
    const [dead, alive] = [await probe().client(type), await probe().client(type)];
    const [lost, taken] = [new Runs(), new Runs()];
    dead.queue.work({ concurrency: 1, leaseMs: 1_000 }, lost.runUntilTold);
    const ticket = newTicket(type);
    await alive.queue.offer([ticket]);
    await lost.came(1);
    dead.holdUp(true);
    alive.queue.work({ concurrency: 1, leaseMs: 1_000 }, taken.run);
    await taken.came(1);
    expect(taken.ids).toEqual(ticket.ids);
    lost.end();
  });

  test("Q2 a ticket of one job that waits or is with a worker is dropped, and one that is used up may come again", async () => {
    const type = newType();
    const { queue } = await probe().client(type);
    const runs = new Runs();
    const [ticket, last] = [newTicket(type), newTicket(type)];
    await queue.offer([ticket]);
    await queue.offer([ticket]);
    queue.work({ concurrency: 1, leaseMs }, runs.runUntilTold);
    await runs.came(1);
    await queue.offer([ticket]);
    await queue.offer([last]);
    runs.end();
    await runs.came(2);
    expect(runs.ids).toEqual(idsOf([ticket, last]));
    await vi.waitFor(() => expect(runs.running).toBe(0), patience);
    const again = async () => {
      await queue.offer([ticket]);
      expect(runs.ids).toEqual(idsOf([ticket, last, ticket]));
    };
    // Its first run is used up a moment after it resolved.
    await vi.waitFor(again, patience);
  });

  test("Q3 of a type, high goes before normal and normal before low", async () => {
    const type = newType();
    const { queue } = await probe().client(type);
    const [low, normal, high] = [newTicket(type, "low"), newTicket(type), newTicket(type, "high")];
    const later = newTicket(type, "high");
    for (const ticket of [low, normal, high, later]) await queue.offer([ticket]);
    const runs = new Runs();
    queue.work({ concurrency: 1, leaseMs }, runs.run);
    await runs.came(4);
    expect(runs.ids).toEqual(idsOf([high, later, normal, low]));
  });
}

function limitClauses(probe: () => Probe): void {
  test("Q4 of a type with a limit of concurrency no more run than it says, in all processes; the last word counts", async () => {
    const type = newType({ concurrency: 2 });
    const [{ queue: first }, { queue: second }] = [await probe().client(type), await probe().client(type)];
    const limited = new Runs();
    for (const queue of [first, second]) queue.work({ concurrency: 5, leaseMs }, limited.run);
    await first.offer(Array.from({ length: 20 }, () => newTicket(type)));
    await limited.came(20);
    expect(limited.mostAtOnce).toBeLessThanOrEqual(2);
    const { queue: newer } = await probe().client({ ...type, concurrency: undefined });
    const free = new Runs();
    newer.work({ concurrency: 9, leaseMs }, free.runUntilTold);
    await first.close();
    await second.close();
    await newer.offer(Array.from({ length: 5 }, () => newTicket(type)));
    await vi.waitFor(() => expect(free.running).toBe(5), patience);
    free.end();
  });

  test("Q4 of a type with a rate limit no more begin than it says, in all processes", async () => {
    const perMs = 300;
    const type = newType({ rateLimit: { runs: 4, perMs } });
    const [{ queue: first }, { queue: second }] = [await probe().client(type), await probe().client(type)];
    const runs = new Runs();
    for (const queue of [first, second]) queue.work({ concurrency: 5, leaseMs }, runs.run);
    const beganMs = performance.now();
    await first.offer(Array.from({ length: 12 }, () => newTicket(type)));
    await runs.came(12);
    // Two more bucketfuls after the first, however the server counts.
    expect(performance.now() - beganMs).toBeGreaterThan(2 * perMs - 50);
  });
}

function endingClauses(probe: () => Probe, interrupt: () => void): void {
  test("Q5 after its connection was lost it takes up its work again", async () => {
    const type = newType();
    const { queue } = await probe().client(type);
    const runs = new Runs();
    queue.work({ concurrency: 2, leaseMs }, runs.run);
    await queue.offer([newTicket(type)]);
    await runs.came(1);
    interrupt();
    const ticket = newTicket(type);
    // What is asked meanwhile fails, and is not kept.
    await vi.waitFor(() => queue.offer([ticket]), patience);
    await vi.waitFor(() => expect(runs.ids).toContain(ticket.ids[0]), patience);
  });

  test("a queue that closes waits for what is under way, and leaves the rest to others", async () => {
    const type = newType();
    const [{ queue: closing }, { queue: other }] = [await probe().client(type), await probe().client(type)];
    const [before, after] = [new Runs(), new Runs()];
    closing.work({ concurrency: 1, leaseMs }, before.runUntilTold);
    const [first, second] = [newTicket(type), newTicket(type)];
    await other.offer([first]);
    await before.came(1);
    let isClosed = false;
    const closed = Promise.all([closing.close(), closing.close()]).then(() => {
      isClosed = true;
    });
    await other.offer([second]);
    other.work({ concurrency: 1, leaseMs }, after.run);
    await after.came(1);
    expect(isClosed).toBe(false);
    before.end();
    await closed;
    expect([before.ids, after.ids]).toEqual([first.ids, second.ids]);
  });
}

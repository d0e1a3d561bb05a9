import type { JobType, Ticket, TicketQueue } from "@banyan/kernel/jobs";

const rank = { high: 0, normal: 1, low: 2 };

const keyOf = ({ ids }: Ticket) => ids.join(" ");

interface Lane {
  readonly waiting: Ticket[];
  readonly held: Map<string, { readonly by: Client; readonly ticket: Ticket; until: number }>;
  limits: Pick<JobType, "rateLimit" | "concurrency">;
  /** When those began that still count against its rate. */
  began: number[];
}

/** What a server of tickets has to do, and no more: it shows that the suite asks for nothing that is BullMQ's own. */
export class TicketsInMemory {
  readonly lanes = new Map<string, Lane>();
  readonly clients = new Set<Client>();
  private readonly timer = setInterval(() => this.handOut(), 20);

  createQueue(): Client {
    return new Client(this);
  }

  close(): void {
    clearInterval(this.timer);
  }

  offer(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) {
      const lane = this.lanes.get(ticket.type);
      const key = keyOf(ticket);
      const isKnown = lane?.held.has(key) || lane?.waiting.some((each) => keyOf(each) === key);
      if (!isKnown) lane?.waiting.push(ticket);
    }
    this.handOut();
  }

  handOut(): void {
    for (const lane of this.lanes.values()) {
      this.takeBack(lane);
      lane.waiting.sort((a, b) => rank[a.priority] - rank[b.priority]);
      while (this.hasRoom(lane) && this.handOutOne(lane));
    }
  }

  /** From those who fell silent. */
  private takeBack(lane: Lane): void {
    const now = performance.now();
    for (const [key, { by, ticket, until }] of lane.held) {
      if (!by.isSilent) lane.held.set(key, { by, ticket, until: now + by.leaseMs });
      else if (until < now) {
        lane.held.delete(key);
        lane.waiting.push(ticket);
      }
    }
  }

  private hasRoom({ held, limits: { concurrency = Number.POSITIVE_INFINITY, rateLimit }, began }: Lane): boolean {
    const since = performance.now() - (rateLimit?.perMs ?? 0);
    const recent = began.filter((at) => at > since).length;
    return held.size < concurrency && recent < (rateLimit?.runs ?? Number.POSITIVE_INFINITY);
  }

  private handOutOne(lane: Lane): boolean {
    const [ticket] = lane.waiting;
    const client = [...this.clients].find((each) => ticket !== undefined && each.wants(ticket.type));
    if (ticket === undefined || client === undefined) return false;
    lane.waiting.shift();
    lane.began.push(performance.now());
    const key = keyOf(ticket);
    lane.held.set(key, { by: client, ticket, until: performance.now() + client.leaseMs });
    void client.take(ticket).then(() => {
      if (lane.held.get(key)?.by === client) lane.held.delete(key);
      this.handOut();
    });
    return true;
  }
}

class Client implements TicketQueue {
  isSilent = false;
  leaseMs = 0;
  private readonly home: TicketsInMemory;
  private readonly underWay = new Map<string, number>();
  private readonly runs = new Set<Promise<void>>();
  private concurrency = 0;
  private run: (ticket: Ticket) => Promise<void> = async () => {};

  constructor(home: TicketsInMemory) {
    this.home = home;
  }

  async open(types: readonly JobType[]): Promise<void> {
    for (const { type, ...limits } of types) {
      this.underWay.set(type, 0);
      const lane = this.home.lanes.get(type);
      if (lane === undefined) this.home.lanes.set(type, { waiting: [], held: new Map(), limits, began: [] });
      else lane.limits = limits;
    }
  }

  async offer(tickets: readonly Ticket[]): Promise<void> {
    this.home.offer(tickets);
  }

  work(limits: Parameters<TicketQueue["work"]>[0], run: (ticket: Ticket) => Promise<void>): void {
    this.concurrency = limits.concurrency;
    this.leaseMs = limits.leaseMs;
    this.run = run;
    this.home.clients.add(this);
    this.home.handOut();
  }

  async close(): Promise<void> {
    this.home.clients.delete(this);
    await Promise.all(this.runs);
  }

  wants(type: string): boolean {
    return !this.isSilent && (this.underWay.get(type) ?? this.concurrency) < this.concurrency;
  }

  async take(ticket: Ticket): Promise<void> {
    this.underWay.set(ticket.type, (this.underWay.get(ticket.type) ?? 0) + 1);
    const run = Promise.resolve().then(() => this.run(ticket));
    this.runs.add(run);
    await run;
    this.runs.delete(run);
    this.underWay.set(ticket.type, (this.underWay.get(ticket.type) ?? 0) - 1);
  }
}

import type { App } from "@banyan/kernel/app";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { NatsBus } from "../nats-bus.ts";
import { actionsOf, endpointOf, type Instance } from "./description.ts";
import { Tallies } from "./tally.ts";

type Service = App["services"][number];
type Verb = "PING" | "INFO" | "STATS";

/** Whom to answer for, and on which bus. */
export interface MicroOptions {
  /** Whose services are to be found; the counts begin now. Each call costs one record of the inspector from then on. */
  readonly app: Pick<App, "services" | "inspect">;
  /** Open. */
  readonly bus: Pick<NatsBus, "self" | "unwrap">;
  /** Of what is deployed, by semantic versioning. Default "0.0.0". */
  readonly version?: string;
  /** What discovery asks under. Default "$SRV". */
  readonly prefix?: string;
}

/**
 * Answers the discovery of NATS micro (ADR-32: `$SRV.PING`, `.INFO`, `.STATS`, of all, by service and by node), so that
 * `nats micro list` shows the services of this process, their actions with JSON Schemas, and how they do. Until the answered
 * function is called. Whoever may use the server's `$SRV` can ask: the answers name contracts and counts, and no data.
 */
export function answerMicro(options: MicroOptions): () => Promise<void> {
  const answers = new MicroAnswers(options);
  return () => answers.end();
}

class MicroAnswers {
  private readonly connection: NatsConnection;
  private readonly self: ReturnType<NatsBus["self"]>;
  private readonly version: string;
  private readonly started = new Date().toISOString();
  private readonly tallies = new Tallies();
  private readonly subscriptions: Subscription[];
  private readonly endInspection: () => void;

  constructor({ app, bus, version = "0.0.0", prefix = "$SRV" }: MicroOptions) {
    if (!/^\d+\.\d+\.\d+([-+][\w.+-]+)?$/.test(version)) throw new Error(`"${version}" is no semantic version`);
    this.connection = bus.unwrap();
    this.self = bus.self();
    this.version = version;
    const verbs: readonly Verb[] = ["PING", "INFO", "STATS"];
    this.subscriptions = app.services.flatMap((service) => {
      const { name } = service.contract;
      const names = ["", `.${name}`, `.${name}.${this.self.id}`];
      return verbs.flatMap((verb) => names.map((suffix) => this.answer(`${prefix}.${verb}${suffix}`, verb, service)));
    });
    this.endInspection = app.inspect((record) => record.kind === "call" && this.tallies.add(record), ["call"]);
  }

  async end(): Promise<void> {
    this.endInspection();
    const live = this.subscriptions.filter((subscription) => !subscription.isClosed());
    await Promise.allSettled(live.map((subscription) => subscription.drain()));
  }

  private answer(subject: string, verb: Verb, service: Service): Subscription {
    const callback = (error: Error | null, question: Msg) => {
      // As everywhere: a callback that throws ends the client's reader.
      try {
        if (error === null && question.reply) this.connection.publish(question.reply, this.text(verb, service));
      } catch (thrown) {
        process.emitWarning(`${subject} was not answered: ${String(thrown)}`);
      }
    };
    return this.connection.subscribe(subject, { callback });
  }

  private text(verb: Verb, service: Service): string {
    const instance = this.instance(service);
    if (verb === "PING") return JSON.stringify({ type: "io.nats.micro.v1.ping_response", ...instance });
    if (verb === "STATS") return JSON.stringify(this.stats(service, instance));
    const whole = JSON.stringify(this.info(service, instance, true));
    const isTooLong = Buffer.byteLength(whole) > (this.connection.info?.max_payload ?? 0);
    return isTooLong ? JSON.stringify(this.info(service, instance, false)) : whole;
  }

  private instance({ contract }: Service): Instance {
    const { id } = this.self;
    return { name: contract.name, id, version: this.version, metadata: { framework: "banyan", pid: `${process.pid}` } };
  }

  private info(service: Service, instance: Instance, withSchemas: boolean) {
    const { subject } = this.self;
    const endpoints = actionsOf(service).map((action) => endpointOf(action, { subject, withSchemas }));
    return { type: "io.nats.micro.v1.info_response", ...instance, description: "", endpoints };
  }

  private stats(service: Service, instance: Instance) {
    const endpoints = actionsOf(service).map((action) => {
      const { metadata: _, ...endpoint } = endpointOf(action, { subject: this.self.subject, withSchemas: false });
      return { ...endpoint, ...this.tallies.of(action.id) };
    });
    return { type: "io.nats.micro.v1.stats_response", ...instance, started: this.started, endpoints };
  }
}

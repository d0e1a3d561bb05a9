import type { Service } from "@banyan/kernel";
import { type JsonSchema, outputJsonSchema } from "@banyan/kernel/app";
import { logServers } from "./log-servers.ts";
import { asDraft07, opened, SchemaComponents } from "./schema-components.ts";

/** A service with what it hears of; of one that runs elsewhere the contract may be all that is known. */
export type EventfulService = Pick<Service, "contract"> & Partial<Pick<Service, "subscriptions" | "projections">>;

interface AsyncDescribed {
  readonly title: string;
  readonly version: string;
  readonly services: readonly EventfulService[];
  /** The address of the log that carries the events; undefined where they stay within the database. */
  readonly eventLog?: string | undefined;
}

type AnyEvent = Service["contract"]["events"][string];

/** Who hears of an event, under which name. */
interface Receiver {
  readonly id: string;
  readonly service: string;
  readonly event: AnyEvent;
}

/**
 * The AsyncAPI 3.0 document of the events: a channel for each type, which the service that emits it sends to and its subscribers
 * receive from; messages are CloudEvents 1.0 in JSON, as the log carries them.
 */
export function asyncApiDocument({ title, version, services, eventLog }: AsyncDescribed): JsonSchema {
  const components = new SchemaComponents();
  components.add("CloudEvent", envelope);
  const receivers = services.flatMap(receiversOf);
  // An event of a service that is not in the configuration is known by its subscribers.
  const declared = services.flatMap(({ contract }) => Object.values(contract.events));
  const events = new Map([...declared, ...receivers.map(({ event }) => event)].map((event) => [event.id, event]));
  const each = <T>(map: (event: AnyEvent) => T) =>
    Object.fromEntries([...events].map(([id, event]) => [id, map(event)]));
  const messages = each((event) => messageOf(event, components));
  return {
    asyncapi: "3.0.0",
    info: {
      title,
      version,
      description: introduction,
      tags: services.map(({ contract }) => ({ name: contract.name })),
    },
    defaultContentType: contentType,
    ...(eventLog !== undefined && { servers: logServers(eventLog) }),
    channels: each(channelOf),
    operations: {
      ...Object.fromEntries(declared.map((event) => [`${event.id}.send`, sendingOf(event)])),
      ...Object.fromEntries(receivers.map((receiver) => [`${receiver.id}.receive`, receivingOf(receiver)])),
    },
    components: { messages, schemas: components.schemas },
  };
}

const contentType = "application/cloudevents+json";

const introduction =
  "Events are delivered at least once, those of one key in order: tell them apart by `id`, and pass over fields that you do not know. " +
  "A channel's address is the event's type; each log engine puts its own prefix before it.";

function receiversOf({ contract, subscriptions = new Map(), projections = new Map() }: EventfulService): Receiver[] {
  const service = contract.name;
  return [
    ...[...subscriptions].map(([name, { event }]) => ({ id: `${service}.${name}`, service, event })),
    ...[...projections].flatMap(([name, { folds }]) =>
      folds.map(({ event }) => ({ id: `${service}.${name}.${event.name}`, service, event })),
    ),
  ];
}

function channelOf({ id, service, definition }: AnyEvent): JsonSchema {
  return {
    address: id,
    ...described(definition),
    messages: { [id]: { $ref: `#/components/messages/${id}` } },
    tags: [{ name: service }],
  };
}

function sendingOf({ id, service, definition }: AnyEvent): JsonSchema {
  return { action: "send", ...described(definition), ...at(id), tags: [{ name: service }] };
}

function receivingOf({ service, event }: Receiver): JsonSchema {
  return { action: "receive", ...at(event.id), tags: [{ name: service }] };
}

function at(id: string): JsonSchema {
  return { channel: { $ref: `#/channels/${id}` }, messages: [{ $ref: `#/channels/${id}/messages/${id}` }] };
}

function described({ summary }: AnyEvent["definition"]): JsonSchema {
  return summary === undefined ? {} : { summary };
}

function messageOf({ id, service, definition }: AnyEvent, components: SchemaComponents): JsonSchema {
  const data = components.add(`${id}.data`, asDraft07(opened(outputJsonSchema(definition.data))));
  const source = { const: `/banyan/${service}` };
  return {
    name: id,
    ...described(definition),
    contentType,
    payload: {
      allOf: [
        { $ref: "#/components/schemas/CloudEvent" },
        { type: "object", properties: { type: { const: id }, source, data } },
      ],
    },
  };
}

const text = (description: string, more: JsonSchema = {}): JsonSchema => ({ type: "string", description, ...more });

/** What `kernel/src/log/cloud-event.ts` writes. */
const envelope: JsonSchema = {
  type: "object",
  description: "CloudEvents 1.0, JSON format. Later versions may add attributes.",
  required: [
    ...["specversion", "id", "source", "type", "time", "datacontenttype", "subject", "partitionkey", "sequence"],
    ...["tenant", "traceparent", "data"],
  ],
  properties: {
    specversion: { const: "1.0" },
    id: text("Of the event, a UUID; one that comes again is the same event.", { format: "uuid" }),
    source: text("The service that emitted it.", { format: "uri-reference" }),
    type: text("The event, as service.name."),
    time: text("When it was committed.", { format: "date-time" }),
    datacontenttype: { const: "application/json" },
    subject: text("The event's key."),
    partitionkey: text("What order is kept by: tenant and key."),
    sequence: text("The event's version within its key, from 1 on, without gaps.", { pattern: "^[1-9][0-9]*$" }),
    tenant: text("Whose data it is."),
    traceparent: text("W3C Trace Context of the request that caused it; without a span.", {
      pattern: "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    }),
    metadata: text("A JSON object of texts that the request carried."),
    data: {},
  },
};

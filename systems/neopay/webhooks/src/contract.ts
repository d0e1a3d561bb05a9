import { command, defineContract, event, fault, job, query } from "@banyan/kernel";
import * as z from "zod";
import { Delivery, DeliveryPage, DeliveryReport, Due, ListDeliveries, Page } from "./delivery/schemas.ts";
import { AtEndpoint, CreateEndpoint, Endpoint, EndpointPage, NewSecret } from "./endpoint/schemas.ts";
import { Notice, TakeNotice, Taken } from "./inbound/schemas.ts";

const id = z.uuid();

/**
 * Webhooks in both directions. Out: Standard Webhooks 1.0, signed, tried again for three days, replayable, never sent into
 * private networks. In: what providers tell, verified over the body as it came, each notice with one effect.
 */
export const webhooks = defineContract("webhooks", {
  faults: {
    endpointNotFound: fault("not_found", z.object({ id }), { message: ({ id }) => `there is no endpoint ${id}` }),
    deliveryNotFound: fault("not_found", z.object({ id }), { message: ({ id }) => `there is no delivery ${id}` }),
    urlRefused: fault("invalid", z.object({ url: z.string(), reason: z.string() }), {
      message: ({ url, reason }) => `${url} cannot be called: ${reason}`,
    }),
    tooManyEndpoints: fault("conflict", z.object({ endpointsMax: z.int() }), {
      message: ({ endpointsMax }) => `there are ${endpointsMax} endpoints already; disable one that is not needed`,
    }),
    /** Nothing will be sent before it is enabled. */
    endpointDisabled: fault("conflict", z.object({ id }), {
      message: ({ id }) => `the endpoint ${id} is disabled; enable it first`,
    }),
    unknownProvider: fault("not_found", z.object({ provider: z.string() }), {
      message: ({ provider }) => `no provider ${provider} is configured here`,
    }),
    /** Nothing was taken. */
    badSignature: fault(
      "unauthenticated",
      z.object({ resultCode: z.literal(98), reason: z.enum(["missing", "wrong", "outsideTolerance"]) }),
      { message: ({ reason }) => `bad signature: ${reason}` },
    ),
    /** The signature is good, and what it signs is no notice of this provider. Nothing was taken. */
    malformedNotice: fault("invalid", z.object({ provider: z.string() }), {
      message: ({ provider }) => `the body is no notice as ${provider} writes them`,
    }),
  },
  commands: {
    createEndpoint: command({
      summary: "Registers a URL; its secret is in this answer and in no other",
      input: CreateEndpoint,
      output: NewSecret,
      answers: "once",
      faults: ["urlRefused", "tooManyEndpoints"],
      http: "POST /v1/webhooks/endpoints",
      httpStatus: 201,
      access: "webhooks:write",
    }),
    rotateSecret: command({
      summary: "Makes a new secret; the old one signs beside it for a day",
      input: AtEndpoint,
      output: NewSecret,
      answers: "once",
      faults: ["endpointNotFound"],
      http: "POST /v1/webhooks/endpoints/:id/rotate-secret",
      access: "webhooks:write",
    }),
    enableEndpoint: command({
      summary: "Sends to the endpoint again; what failed meanwhile is redelivered one by one",
      input: AtEndpoint,
      output: Endpoint,
      faults: ["endpointNotFound"],
      http: "POST /v1/webhooks/endpoints/:id/enable",
      access: "webhooks:write",
    }),
    disableEndpoint: command({
      summary: "Sends nothing more to the endpoint",
      input: AtEndpoint,
      output: Endpoint,
      faults: ["endpointNotFound"],
      http: "POST /v1/webhooks/endpoints/:id/disable",
      access: "webhooks:write",
    }),
    ping: command({
      summary: "Sends webhook.ping to one endpoint, to try it",
      input: AtEndpoint,
      output: Delivery,
      faults: ["endpointNotFound", "endpointDisabled"],
      http: "POST /v1/webhooks/endpoints/:id/ping",
      httpStatus: 202,
      access: "webhooks:write",
    }),
    redeliver: command({
      summary: "Sends a delivery again, under the same webhook-id",
      input: z.strictObject({ id }),
      output: Delivery,
      faults: ["deliveryNotFound", "endpointDisabled"],
      http: "POST /v1/webhooks/deliveries/:id/redeliver",
      httpStatus: 202,
      access: "webhooks:write",
    }),
    /** Whoever can sign may call it. A notice that came before is answered alike and has no second effect. */
    receive: command({
      summary: "Takes a provider's webhook",
      input: TakeNotice,
      output: Taken,
      faults: ["unknownProvider", "badSignature", "malformedNotice"],
      http: "POST /v1/webhooks/inbound/:provider",
      httpText: { field: "payload", contentTypes: ["application/json"], bytesMax: 262_144 },
      httpHeaders: {
        stripeSignature: "stripe-signature",
        razorpaySignature: "x-razorpay-signature",
        webhookId: "webhook-id",
        webhookTimestamp: "webhook-timestamp",
        webhookSignature: "webhook-signature",
      },
      access: "public",
    }),
  },
  queries: {
    endpoints: query({
      summary: "Endpoints, oldest first, without their secrets",
      input: z.strictObject(Page),
      output: EndpointPage,
      http: "GET /v1/webhooks/endpoints",
      access: "webhooks:read",
    }),
    deliveries: query({
      summary: "Deliveries, oldest first",
      input: ListDeliveries,
      output: DeliveryPage,
      http: "GET /v1/webhooks/deliveries",
      access: "webhooks:read",
    }),
    delivery: query({
      summary: "A delivery with its body and every attempt",
      input: z.strictObject({ id }),
      output: DeliveryReport,
      faults: ["deliveryNotFound"],
      http: "GET /v1/webhooks/deliveries/:id",
      access: "webhooks:read",
    }),
    /** What a job is to send now: a query, so that no transaction stays open while a stranger's server thinks. */
    due: query({
      input: z.strictObject({ id, turn: z.int() }),
      output: Due,
      access: "webhooks:send",
    }),
  },
  events: {
    /** A provider told something for the first time. `late`: newer things were heard of the same subject before. */
    received: event({ data: Notice, key: ({ provider, subject }) => `${provider} ${subject}` }),
    endpointDisabled: event({
      data: z.strictObject({ id, url: z.string(), merchant: z.string().nullable(), reason: z.string() }),
      key: ({ id }) => id,
    }),
  },
  jobs: {
    /** One attempt. The next one is a job of its own, days later perhaps. */
    deliver: job({ input: z.strictObject({ id, turn: z.int(), step: z.int() }), deadlineMs: 40_000, concurrency: 64 }),
    /** Enqueued with a notice that came for the first time and says how a payment ended. */
    tellPayments: job({
      input: z.strictObject({
        provider: z.string(),
        eventId: z.string(),
        type: z.enum(["authorized", "declined", "canceled"]),
        reference: id,
      }),
    }),
  },
});

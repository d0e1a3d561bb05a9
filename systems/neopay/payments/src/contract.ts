import { command, defineContract, event, fault, query, workflow } from "@banyan/kernel";
import { amountMinor } from "@banyan/neopay-money";
import * as z from "zod";
import {
  AtLimit,
  AtPayment,
  Authorize,
  CaptureDone,
  CaptureOrder,
  CreatePayment,
  Dispute,
  Movement,
  merchantCode,
  Part,
  Payment,
  SetLimit,
  SpendingLimit,
  text,
  told,
} from "./schemas.ts";

const ofPayment = ({ paymentId }: { readonly paymentId: string }) => paymentId;
const AtDispute = z.strictObject({ id: z.uuid() });

/** Why a movement is not begun. */
const beginFaults = ["paymentNotFound", "wrongStatus", "inProgress", "amountExceeded"] as const;

/** Payments that merchants collect: an intent, and the movements of money towards it. Amounts in minor units. */
export const payments = defineContract("payments", {
  faults: {
    paymentNotFound: fault("not_found", AtPayment, { message: ({ id }) => `there is no payment ${id}` }),
    /** Nothing was made: the merchant used the merchantTxnId before. */
    merchantTxnExists: fault("conflict", z.object({ merchantTxnId: z.string(), existingId: z.string() }), {
      message: ({ merchantTxnId, existingId }) => `${merchantTxnId} is the payment ${existingId} already`,
    }),
    /** NeoPay's result code 30. */
    merchantNotApproved: fault("conflict", z.object({ merchant: z.string(), resultCode: z.literal(30) }), {
      message: ({ merchant }) => `the merchant ${merchant} is not approved; have it approved first`,
    }),
    /** Neither the request nor the caller's key says whose payments it is about. */
    merchantMissing: fault("invalid", undefined, {
      message: () => "merchant: is missing; name one, or call with a merchant's own key",
    }),
    /** NeoPay's result code 98. */
    badSignature: fault("invalid", z.object({ merchant: z.string(), resultCode: z.literal(98) }), {
      message: ({ merchant }) => `the signature is not that of ${merchant} over these fields`,
    }),
    /** A merchant collects in one currency. */
    currencyDiffers: fault("invalid", z.object({ merchant: z.string(), currency: z.string() }), {
      message: ({ merchant, currency }) => `${merchant} collects in ${currency} only`,
    }),
    expiryPast: fault("invalid", z.object({ expiresAt: z.string() }), {
      message: ({ expiresAt }) => `expiresAt ${expiresAt} has passed; send a later one, or none`,
    }),
    /** A wallet for WALLET, a card's token for CC, nothing for ATM and QR. */
    wrongInstrument: fault("invalid", z.object({ method: z.string() }), {
      message: ({ method }) =>
        `${method} takes ${{ WALLET: "a wallet's address, users:alice:wallet", CC: "a card's token" }[method] ?? "no instrument"}`,
    }),
    /** Nothing was begun: the payment's status does not allow it, or it has expired. */
    wrongStatus: fault("conflict", z.object({ id: z.string(), status: z.string() }), {
      message: ({ id, status }) => `the payment ${id} is ${status}`,
    }),
    /** Nothing was begun: another movement of the payment is under way. Workflows wait their turn before they say so. */
    inProgress: fault("conflict", z.object({ id: z.string(), kind: z.string() }), {
      retry: "yes",
      message: ({ id, kind }) => `a movement of the payment ${id} is under way (${kind}); try again when it has ended`,
    }),
    /** More than was authorised and not captured, or captured and not given back. Nothing was begun. */
    amountExceeded: fault("conflict", z.object({ id: z.string(), leftMinor: z.int() }), {
      message: ({ id, leftMinor }) => `the payment ${id} has ${leftMinor} minor units left for that`,
    }),
    /** Who holds the money refused; nothing moved. */
    refused: fault("conflict", z.object({ id: z.string(), reason: z.string(), resultCode: z.literal(1) }), {
      message: ({ id, reason }) => `the payment ${id} was refused: ${reason}`,
    }),
    /** The merchant's limit of that name. Nothing was begun. */
    limitExceeded: fault(
      "exhausted",
      z.object({ limit: z.string(), bound: z.enum(["dayMinorMax", "countMax"]), maximum: z.int(), freeAt: z.string() }),
      {
        retry: "no",
        message: ({ limit, bound, maximum, freeAt }) =>
          `the limit ${limit} (${bound} ${maximum}) is used up until ${freeAt}`,
      },
    ),
    limitNotFound: fault("not_found", AtLimit, {
      message: ({ merchant, name }) => `${merchant} has no limit ${name}`,
    }),
    disputeNotFound: fault("not_found", AtDispute, { message: ({ id }) => `there is no dispute ${id}` }),
    disputeClosed: fault("conflict", z.object({ id: z.string(), status: z.string() }), {
      message: ({ id, status }) => `the dispute ${id} is ${status}`,
    }),
  },
  commands: {
    create: command({
      summary: "Makes a payment; nothing moves yet",
      input: CreatePayment,
      output: Payment,
      faults: [
        "merchantTxnExists",
        "merchantMissing",
        "merchantNotApproved",
        "badSignature",
        "currencyDiffers",
        "expiryPast",
      ],
      http: "POST /v1/payments",
      httpStatus: 201,
      access: "payments:write",
    }),
    /** Undoes the beginning of a movement that came to nothing; without effect where it has ended. */
    abandon: command({
      input: z.strictObject({
        id: z.uuid(),
        movementId: z.uuid(),
        /** The payment fails with it, unless something was captured. */
        isWhole: z.boolean().default(false),
      }),
      output: z.object({}),
      access: "payments:operate",
    }),
    /** The first step of a capture. */
    beginCapture: command({
      input: z.strictObject({ id: z.uuid(), captureId: z.uuid(), amountMinor: amountMinor.optional() }),
      output: CaptureOrder,
      faults: beginFaults,
      access: "payments:operate",
    }),
    /** The last step of a capture. */
    endCapture: command({ input: CaptureDone, output: Payment, access: "payments:operate" }),
    setLimit: command({
      summary: "Bounds what a merchant authorises, by day or in a window",
      input: SetLimit,
      output: SpendingLimit,
      http: "PUT /v1/payments/limits/:merchant/:name",
      access: "payments:limit",
    }),
    /** Set again under its name, it goes on with what the day or window has counted. */
    removeLimit: command({
      summary: "Ends a limit; what is authorised from now on is not held against it",
      input: AtLimit,
      output: SpendingLimit,
      faults: ["limitNotFound"],
      http: "POST /v1/payments/limits/:merchant/:name/remove",
      access: "payments:limit",
    }),
    openDispute: command({
      summary: "A payer disputes a part of what was captured; it cannot be refunded meanwhile",
      input: z.strictObject({ id: z.uuid(), amountMinor: amountMinor.optional(), reason: text(200) }),
      output: Dispute,
      faults: beginFaults,
      http: "POST /v1/payments/:id/disputes",
      httpStatus: 201,
      access: "payments:dispute",
    }),
    submitEvidence: command({
      summary: "Adds to what the merchant has to say in a dispute",
      input: z.strictObject({ id: z.uuid(), kind: text(50), text: text(5_000) }),
      output: Dispute,
      faults: ["disputeNotFound", "disputeClosed"],
      http: "POST /v1/disputes/:id/evidence",
      access: "payments:write",
    }),
    takeNotice: command({
      summary: "What a provider says of an ATM or QR payment; the first notice of a reference counts",
      input: z.strictObject({
        provider: text(64),
        eventId: text(200),
        type: z.enum(["authorized", "declined", "canceled"]),
        data: z.looseObject({ reference: z.uuid() }),
      }),
      /** `isNew`: it came for the first time. `isAwaited`: a payment waited for it. */
      output: z.object({ isNew: z.boolean(), isAwaited: z.boolean() }),
      access: "payments:notice",
    }),
  },
  workflows: {
    authorize: workflow({
      summary:
        "Holds the money at the wallet or card and takes it where capture is auto; of ATM and QR awaits the payer",
      input: Authorize,
      output: Payment,
      faults: [...beginFaults, "merchantNotApproved", "wrongInstrument", "limitExceeded", "refused"],
      http: "POST /v1/payments/:id/authorize",
      access: "payments:write",
      version: 1,
    }),
    capture: workflow({
      summary: "Takes all or part of what was authorised, and posts it with its fees",
      input: Part,
      output: Payment,
      faults: [...beginFaults, "refused"],
      http: "POST /v1/payments/:id/capture",
      access: "payments:write",
      version: 1,
    }),
    cancel: workflow({
      summary: "Gives back what was authorised and not captured",
      input: AtPayment,
      output: Payment,
      faults: beginFaults,
      http: "POST /v1/payments/:id/cancel",
      access: "payments:write",
      version: 1,
    }),
    refund: workflow({
      summary: "Gives all or part of what was captured back; fees stay",
      input: Part,
      output: Payment,
      faults: [...beginFaults, "refused"],
      http: "POST /v1/payments/:id/refunds",
      access: "payments:write",
      version: 1,
    }),
    closeDispute: workflow({
      summary: "Ends a dispute; a lost one takes the money from the merchant",
      input: z.strictObject({ id: z.uuid(), outcome: z.enum(["won", "lost"]) }),
      output: Dispute,
      faults: ["disputeNotFound", "disputeClosed"],
      http: "POST /v1/disputes/:id/close",
      access: "payments:dispute",
      version: 1,
    }),
    /** Begun with a provider's notice. */
    settle: workflow({
      input: AtPayment,
      output: Payment,
      faults: ["refused"],
      access: "payments:operate",
      version: 1,
    }),
    /** Begun with each payment; ends it at its expiry. */
    expire: workflow({ input: AtPayment, output: z.object({}), access: "payments:operate", version: 1 }),
  },
  queries: {
    find: query({
      summary: "A payment",
      input: AtPayment,
      output: Payment,
      faults: ["paymentNotFound"],
      http: "GET /v1/payments/:id",
      access: "payments:read",
    }),
    list: query({
      summary: "A merchant's payments, newest first",
      input: z.strictObject({
        /** Where it is absent, the merchant whose key calls. */
        merchant: merchantCode.optional(),
        /** The last payment of the page before, its `next`. */
        after: z.uuid().optional(),
        limit: z.int().min(1).max(1_000).default(100),
      }),
      output: z.object({ payments: z.array(Payment), next: z.uuid().nullable() }),
      faults: ["merchantMissing"],
      http: "GET /v1/payments",
      access: "payments:read",
    }),
    movements: query({
      summary: "How money moved for a payment, in order",
      input: AtPayment,
      output: z.object({ movements: z.array(Movement) }),
      faults: ["paymentNotFound"],
      http: "GET /v1/payments/:id/movements",
      access: "payments:read",
    }),
    limits: query({
      summary: "A merchant's limits, by name",
      input: z.strictObject({
        merchant: merchantCode,
        /** The last limit's name of the page before, its `next`. */
        after: text(64).optional(),
        limit: z.int().min(1).max(1_000).default(100),
      }),
      output: z.object({ limits: z.array(SpendingLimit), next: z.string().nullable() }),
      http: "GET /v1/payments/limits/:merchant",
      access: "payments:read",
    }),
    disputes: query({
      summary: "Disputes, oldest first: those of a merchant, or of all",
      input: z.strictObject({
        /** Where it is absent, the merchant whose key calls; of who operates payments, all. */
        merchant: merchantCode.optional(),
        status: Dispute.shape.status.optional(),
        /** The last dispute of the page before, its `next`. */
        after: z.uuid().optional(),
        limit: z.int().min(1).max(1_000).default(100),
      }),
      output: z.object({ disputes: z.array(Dispute), next: z.uuid().nullable() }),
      http: "GET /v1/disputes",
      access: "payments:read",
    }),
    dispute: query({
      summary: "A dispute",
      input: AtDispute,
      output: Dispute,
      faults: ["disputeNotFound"],
      http: "GET /v1/disputes/:id",
      access: "payments:read",
    }),
  },
  events: {
    authorized: event({ data: z.strictObject({ ...told, authorizedMinor: amountMinor }), key: ofPayment }),
    /** One per capture; `transactionId` is the ledger's, with the merchant's part and the fees. */
    captured: event({
      data: z.strictObject({
        ...told,
        captureId: z.uuid(),
        amountMinor,
        feeMinor: z.int().min(0),
        netMinor: z.int().min(0),
        capturedMinor: amountMinor,
        transactionId: z.uuid(),
      }),
      key: ofPayment,
    }),
    failed: event({ data: z.strictObject({ ...told, reason: z.string() }), key: ofPayment }),
    canceled: event({ data: z.strictObject(told), key: ofPayment }),
    expired: event({ data: z.strictObject(told), key: ofPayment }),
    refundSettled: event({
      data: z.strictObject({
        ...told,
        refundId: z.uuid(),
        amountMinor,
        refundedMinor: amountMinor,
        transactionId: z.uuid(),
      }),
      key: ofPayment,
    }),
    disputeOpened: event({ data: z.strictObject({ ...told, disputeId: z.uuid(), amountMinor }), key: ofPayment }),
    disputeClosed: event({
      data: z.strictObject({ ...told, disputeId: z.uuid(), amountMinor, outcome: z.enum(["won", "lost"]) }),
      key: ofPayment,
    }),
    /** A provider says that somebody has paid, and no payment waits for it: the money has to go back. */
    unmatched: event({
      data: z.strictObject({ provider: z.string(), eventId: z.string(), reference: z.uuid() }),
      key: ({ reference }) => reference,
    }),
  },
});

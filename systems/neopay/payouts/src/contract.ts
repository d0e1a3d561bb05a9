import { command, defineContract, event, fault, job, query } from "@banyan/kernel";
import * as z from "zod";
import { Batch, Beneficiary, beneficiaryPlace, CreateBatch, FullBatch, PayoutTold, SetBeneficiary } from "./schemas.ts";

const id = z.uuid();
const AtBatch = z.strictObject({ id });
const page = { after: z.int().min(0).default(0), limit: z.int().min(1).max(1_000).default(100) };

/**
 * Pays merchants' settlement balances out, in batches that one person makes and another approves. What the bank is told is a
 * pain.001; what it answers comes as pacs.002 or pain.002, and as statements or notifications of its movements.
 */
export const payouts = defineContract("payouts", {
  faults: {
    batchNotFound: fault("not_found", z.object({ id }), { message: ({ id }) => `there is no batch ${id}` }),
    nothingToPay: fault("conflict", z.object({ currency: z.string() }), {
      message: ({ currency }) => `no merchant with a beneficiary has enough ${currency} to be paid out`,
    }),
    /** Nothing was stored; name merchants, or a higher minimum. */
    tooManyPayouts: fault("invalid", z.object({ payoutsMax: z.int() }), {
      message: ({ payoutsMax }) => `a batch has at most ${payoutsMax} payouts; name the merchants, or a higher minimum`,
    }),
    approverIsCreator: fault("forbidden", z.object({ id, createdBy: z.string() }), {
      message: ({ id, createdBy }) => `${createdBy} made the batch ${id}; somebody else must approve it`,
    }),
    batchNotDraft: fault("conflict", z.object({ id, status: z.string() }), {
      message: ({ id, status }) => `the batch ${id} is ${status} already`,
    }),
    /** There is no message before the ledger has given the money. */
    batchNotSent: fault("conflict", z.object({ id, status: z.string() }), {
      message: ({ id, status }) => `the batch ${id} is ${status}; its message comes when it is sent`,
    }),
    /** The ledger refused each of its payouts, and a pain.001 without one is none. */
    nothingInstructed: fault("conflict", z.object({ id }), {
      message: ({ id }) => `the ledger refused every payout of the batch ${id}; there is nothing to tell the bank`,
    }),
    unreadable: fault(
      "invalid",
      z.object({ line: z.int().nullable(), at: z.string().nullable(), reason: z.string() }),
      {
        message: ({ line, at, reason }) => `line ${line ?? "?"}, ${at ?? "document"}: ${reason}`,
      },
    ),
  },
  commands: {
    setBeneficiary: command({
      summary: "Says where a merchant wants its money of a currency; the last word counts",
      input: SetBeneficiary,
      output: Beneficiary,
      http: "POST /v1/payouts/beneficiaries",
      access: "payouts:write",
    }),
    createBatch: command({
      summary: "Makes a batch of what merchants have on their settlement accounts; nothing moves before it is approved",
      input: CreateBatch,
      output: FullBatch,
      faults: ["nothingToPay", "tooManyPayouts"],
      http: "POST /v1/payouts/batches",
      httpStatus: 201,
      access: "payouts:write",
    }),
    approveBatch: command({
      summary: "Approves a batch that somebody else made; its payouts are taken from the merchants and sent",
      input: AtBatch,
      output: Batch,
      faults: ["batchNotFound", "batchNotDraft", "approverIsCreator"],
      http: "POST /v1/payouts/batches/:id/approve",
      httpStatus: 202,
      access: "payouts:approve",
    }),
    cancelBatch: command({
      summary: "Gives a batch up that nobody has approved",
      input: AtBatch,
      output: Batch,
      faults: ["batchNotFound", "batchNotDraft"],
      http: "POST /v1/payouts/batches/:id/cancel",
      access: "payouts:write",
    }),
    /** Taken again it changes nothing. */
    takeStatusReport: command({
      summary: "Takes the bank's answer to a batch: pacs.002 or pain.002",
      input: z.strictObject({ content: z.string().min(1).max(16_777_216) }),
      output: z.object({
        /** Rejected just now, and on their way back to their merchants. */
        rejectedCount: z.int(),
        /** Paid by the bank, just now. */
        sentCount: z.int(),
        /** Still under way, or known before. */
        unchangedCount: z.int(),
        /** End-to-end ids that are none of ours. */
        unknown: z.array(z.string()),
      }),
      faults: ["unreadable"],
      http: "POST /v1/payouts/status-reports",
      httpText: { field: "content", contentTypes: ["application/xml", "text/xml"], bytesMax: 16_777_216 },
      access: "payouts:write",
    }),
  },
  queries: {
    beneficiaries: query({
      summary: "Where merchants want their money, by code and currency",
      input: z.strictObject({
        /** `next` of the page before. */
        after: beneficiaryPlace.optional(),
        limit: z.int().min(1).max(1_000).default(100),
      }),
      output: z.object({ beneficiaries: z.array(Beneficiary), next: beneficiaryPlace.nullable() }),
      http: "GET /v1/payouts/beneficiaries",
      access: "payouts:read",
    }),
    batch: query({
      summary: "A batch with its payouts",
      input: AtBatch,
      output: FullBatch,
      faults: ["batchNotFound"],
      http: "GET /v1/payouts/batches/:id",
      access: "payouts:read",
    }),
    batches: query({
      summary: "Batches, oldest first",
      input: z.strictObject(page),
      output: z.object({ batches: z.array(Batch), next: z.int().nullable() }),
      http: "GET /v1/payouts/batches",
      access: "payouts:read",
    }),
    pain001: query({
      summary: "The message to the bank: ISO 20022 pain.001.001.09",
      input: AtBatch,
      output: z.object({ content: z.string() }),
      faults: ["batchNotFound", "batchNotSent", "nothingInstructed"],
      http: "GET /v1/payouts/batches/:id/pain001",
      httpAnswer: { field: "content", contentType: "application/xml; charset=utf-8" },
      access: "payouts:read",
    }),
  },
  events: {
    /** The bank has paid. */
    sent: event({ data: PayoutTold, key: ({ payoutId }) => payoutId }),
    /** The bank has rejected it or sent it back, and the merchant has its money again. */
    returned: event({ data: PayoutTold, key: ({ payoutId }) => payoutId }),
  },
  jobs: {
    /** Takes the payouts of an approved batch from the merchants, each or none for itself. */
    send: job({ input: AtBatch }),
    /** Reverts the posting of one payout. */
    giveBack: job({ input: z.strictObject({ id }) }),
  },
});

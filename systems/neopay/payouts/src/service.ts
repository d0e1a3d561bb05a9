import { implement, on } from "@banyan/kernel";
import { statements } from "@banyan/neopay-statements/contract";
import { giveBack } from "./answer/give-back.ts";
import { takeStatement } from "./answer/take-statement.ts";
import { takeStatusReport } from "./answer/take-status-report.ts";
import { approveBatch, cancelBatch } from "./batch/approve-batch.ts";
import { createBatch } from "./batch/create-batch.ts";
import { listBatches, printPain001, readBatch } from "./batch/read-batches.ts";
import { sendBatch } from "./batch/send-batch.ts";
import { listBeneficiaries, setBeneficiary } from "./beneficiary/beneficiaries.ts";
import { payouts } from "./contract.ts";

/** Payouts on the service's own tables; money moves in the ledger alone. */
export const payoutsService = implement(payouts, {
  migrations: new URL("../sql/", import.meta.url),
  commands: { setBeneficiary, createBatch, approveBatch, cancelBatch, takeStatusReport },
  queries: { beneficiaries: listBeneficiaries, batch: readBatch, batches: listBatches, pain001: printPain001 },
  subscriptions: { bank: on(statements.imported, takeStatement) },
  jobs: { send: sendBatch, giveBack },
});

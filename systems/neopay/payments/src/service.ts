import { implement, type Service } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { merchants } from "@banyan/neopay-merchants/contract";
import { type AcquirerClient, type AcquirerClientOptions, createAcquirerClient } from "./acquirer/client.ts";
import { payments } from "./contract.ts";
import { closeDispute } from "./dispute/close-dispute.ts";
import { openDispute } from "./dispute/open-dispute.ts";
import { findDispute, listDisputes } from "./dispute/read-disputes.ts";
import { submitEvidence } from "./dispute/submit-evidence.ts";
import { abandonMovement } from "./flow/abandon.ts";
import { authorizePayment } from "./flow/authorize-payment.ts";
import { capturePayment, settlePayment } from "./flow/capture-payment.ts";
import { beginCaptures, endCaptures } from "./flow/capture-steps.ts";
import { refundPayment } from "./flow/refund-payment.ts";
import { cancelPayment, expirePayment } from "./flow/release-payment.ts";
import { takeNotice } from "./flow/take-notice.ts";
import { createPayment } from "./intent/create-payment.ts";
import { findPayment, listMovements, listPayments } from "./intent/read-payment.ts";
import { listLimits } from "./limit/list-limits.ts";
import { removeLimit, setLimit } from "./limit/set-limit.ts";

/** Payments, with the acquirer that takes cards for them. */
export function createPaymentsService({ acquirer }: { readonly acquirer: AcquirerClientOptions }): Service {
  return paymentsOver(createAcquirerClient(acquirer));
}

/** The same over an acquirer that is reached in another way. */
export function paymentsOver(acquirer: AcquirerClient): Service {
  return implement(payments, {
    migrations: new URL("../sql/", import.meta.url),
    after: [ledger, merchants],
    uses: { acquirer },
    stop: async () => acquirer.close(),
    commands: {
      create: createPayment,
      beginCapture: beginCaptures,
      endCapture: endCaptures,
      abandon: abandonMovement,
      setLimit,
      removeLimit,
      openDispute,
      submitEvidence,
      takeNotice,
    },
    workflows: {
      authorize: authorizePayment,
      capture: capturePayment,
      cancel: cancelPayment,
      refund: refundPayment,
      settle: settlePayment,
      closeDispute,
      expire: expirePayment,
    },
    queries: {
      find: findPayment,
      list: listPayments,
      movements: listMovements,
      limits: listLimits,
      disputes: listDisputes,
      dispute: findDispute,
    },
  });
}

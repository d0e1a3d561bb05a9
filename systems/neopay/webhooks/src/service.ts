import { implement, onMany, type Service } from "@banyan/kernel";
import { fx } from "@banyan/neopay-fx/contract";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payments } from "@banyan/neopay-payments/contract";
import { payouts } from "@banyan/neopay-payouts/contract";
import { type Resolve, systemResolve } from "@banyan/webhooks";
import { webhooks } from "./contract.ts";
import { announce, ping } from "./delivery/announce.ts";
import { deliver } from "./delivery/deliver.ts";
import { readDue } from "./delivery/due.ts";
import { listDeliveries, readDelivery } from "./delivery/read-deliveries.ts";
import { redeliver } from "./delivery/redeliver.ts";
import { createEndpoint } from "./endpoint/create-endpoint.ts";
import { listEndpoints } from "./endpoint/list-endpoints.ts";
import { rotateSecret } from "./endpoint/rotate-secret.ts";
import { disableEndpoint, enableEndpoint } from "./endpoint/switch-endpoint.ts";
import type { Provider } from "./inbound/provider.ts";
import { receive } from "./inbound/receive.ts";
import { tellPayments } from "./inbound/tell-payments.ts";
import type { Uses } from "./uses.ts";

/** Whom to trust, inwards and outwards. By default nobody: no provider is known, and nothing private is called. */
export interface WebhooksOptions {
  /** By the name in their path: `{ stripe: { scheme: "stripe", secrets: [secret] } }`. */
  readonly providers?: Readonly<Record<string, Provider>>;
  /** Hosts, with or without port, that may be called wherever they lie, also without TLS: `["127.0.0.1:4000"]`. */
  readonly allowedHosts?: readonly string[];
  /** Default: the operating system's. */
  readonly resolve?: Resolve;
}

/** Webhooks in and out, on the service's own tables. */
export function createWebhooksService({
  providers = {},
  allowedHosts = [],
  resolve = systemResolve,
}: WebhooksOptions = {}): Service {
  const uses: Uses = {
    network: { allowed: new Set(allowedHosts), resolve },
    providers: new Map(Object.entries(providers)),
  };
  return implement(webhooks, {
    uses,
    migrations: new URL("../sql/", import.meta.url),
    commands: { createEndpoint, rotateSecret, enableEndpoint, disableEndpoint, ping, redeliver, receive },
    queries: { endpoints: listEndpoints, deliveries: listDeliveries, delivery: readDelivery, due: readDue },
    subscriptions: {
      paymentAuthorized: onMany(payments.authorized, announce("payment.authorized")),
      paymentCaptured: onMany(payments.captured, announce("payment.captured")),
      paymentFailed: onMany(payments.failed, announce("payment.failed")),
      paymentCanceled: onMany(payments.canceled, announce("payment.canceled")),
      paymentExpired: onMany(payments.expired, announce("payment.expired")),
      paymentUnmatched: onMany(payments.unmatched, announce("payment.unmatched")),
      refundSettled: onMany(payments.refundSettled, announce("refund.settled")),
      disputeOpened: onMany(payments.disputeOpened, announce("dispute.opened")),
      disputeClosed: onMany(payments.disputeClosed, announce("dispute.closed")),
      payoutSent: onMany(payouts.sent, announce("payout.sent")),
      payoutReturned: onMany(payouts.returned, announce("payout.returned")),
      converted: onMany(fx.converted, announce("fx.converted")),
      balanceCrossed: onMany(ledger.balanceCrossed, announce("balance.crossed")),
    },
    jobs: { deliver, tellPayments },
  });
}

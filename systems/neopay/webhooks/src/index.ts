export type { Provider } from "./inbound/provider.ts";
export { createWebhooksService, type WebhooksOptions } from "./service.ts";

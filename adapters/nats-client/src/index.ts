export { type NatsServer, natsOptions } from "./nats-options.ts";

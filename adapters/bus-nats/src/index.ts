export { answerMicro, type MicroOptions } from "./micro/answer-micro.ts";
export { createNatsBus, type NatsBus } from "./nats-bus.ts";
export type { NatsBusOptions } from "./options.ts";

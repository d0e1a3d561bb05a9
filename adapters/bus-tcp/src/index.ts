export type { CertificateFiles } from "./certificates.ts";
export { createTcpBus, type TcpBusOptions } from "./tcp-bus.ts";

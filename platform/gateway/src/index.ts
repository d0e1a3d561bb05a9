export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
export { type ApiKey, createApiKeyAuthenticator, createKeyAuthenticator, hashApiKey } from "./identity/api-keys.ts";
export type { Authenticator, Credentials } from "./identity/authenticator.ts";
export { type BasicCredentials, createBasicAuthenticator, firstOf } from "./identity/basic.ts";
export { defaultLimits, type Limits, type RateLimit } from "./limits.ts";

export { type PostAnswer, post } from "./post.ts";
export { macOf, newSecret, printedSecret, signedHeaders } from "./signature.ts";
export { type Network, type Resolve, resolveTarget, systemResolve, type Target, TargetRefused } from "./target.ts";

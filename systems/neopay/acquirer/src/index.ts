export { Book } from "./book.ts";
export { type Behaviour, testCards } from "./cards.ts";
export type { Acquirer, AcquirerOptions } from "./server.ts";
export { spawnAcquirer } from "./spawn.ts";

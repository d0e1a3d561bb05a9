import type { Log } from "@banyan/kernel/log";

/** The log itself but for what is `changed`. */
export function forwarding(log: Log, changed: Partial<Log>): Log {
  return {
    traits: log.traits,
    open: (options) => log.open(options),
    append: (messages) => log.append(messages),
    consume: (options, receiver) => log.consume(options, receiver),
    read: (options) => log.read(options),
    lag: (group) => log.lag(group),
    close: (options) => log.close(options),
    ...changed,
  };
}

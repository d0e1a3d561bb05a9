import { logConformance } from "@banyan/conformance/log";
import { InProcessLog } from "@banyan/kernel/log";

logConformance("the log within a process", async () => {
  const log = new InProcessLog();
  return {
    createLog: () => log.connect(),
    interrupt: () => {
      log.setUp(false);
      setImmediate(() => log.setUp(true));
    },
    close: async () => {},
  };
});

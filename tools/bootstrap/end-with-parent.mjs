// @ts-check
/**
 * Loaded before the program when that runs as a child: a parent that was killed without a word ends it too, the way that
 * SIGTERM would. The channel to the parent closes when the parent dies; it keeps nothing running.
 */
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();

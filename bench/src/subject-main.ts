/**
 * Runs one subject in this process and answers the bench's questions over the process channel.
 * `start` imports the subject's module and calls its `open`; every other question names a method of what `open` returned.
 */
type Question = { id: number; method: string; values: unknown[] };
type Methods = Record<string, (...values: never[]) => unknown>;

let methods: Methods = {};

async function answer({ method, values }: Question): Promise<unknown> {
  if (method === "start") {
    const [module, options] = values as [string, object];
    const { open } = (await import(module)) as { open(options: object): Methods | Promise<Methods> };
    methods = await open(options);
    return undefined;
  }
  const asked = methods[method];
  if (!asked) throw new Error(`This subject has no method "${method}"; it has ${Object.keys(methods).join(", ")}.`);
  return asked(...(values as never[]));
}

process.on("message", async (question: Question) => {
  try {
    process.send?.({ id: question.id, value: await answer(question) });
  } catch (error) {
    const missing = (error as { code?: string }).code === "ERR_MODULE_NOT_FOUND";
    process.send?.({
      id: question.id,
      missing,
      error: missing ? (error as Error).message : String((error as Error).stack),
    });
  }
});
process.on("SIGTERM", () => process.exit(0));
process.on("disconnect", () => process.exit(0));

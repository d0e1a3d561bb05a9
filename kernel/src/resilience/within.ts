/** What `question` comes to, or a rejection after so many milliseconds. It goes on then, and nobody hears what it comes to. */
export async function within<T>(ms: number, question: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([question(), late]);
  } finally {
    clearTimeout(timer);
  }
}

import autocannon from "autocannon";

/** Resolves to answers per second and their number; refuses a run in which any request failed or any answer was not 2xx. */
async function load({ durationMs, ...options }) {
  const result = await autocannon({ ...options, duration: durationMs / 1_000, sampleInt: 100 });
  const { errors, non2xx } = result;
  if (errors + non2xx > 0) throw new Error(`${options.url}: ${errors} requests failed, ${non2xx} answers were not 2xx.`);
  return { perSecond: result["2xx"] / result.duration, answers: result["2xx"] };
}

/**
 * The same with a new body in every request, and an Idempotency-Key and a path of its own where it has them: `bodies` names a module
 * whose `nextBody(run)` makes them, in this process, while it loads the server.
 */
async function loadWith({ bodies, run, ...options }) {
  const { nextBody } = await import(bodies);
  const setupRequest = (request) => {
    const { body, key, path = request.path } = nextBody(run);
    if (key !== undefined) request.headers["idempotency-key"] = key;
    return { ...request, body, path };
  };
  return load({ ...options, requests: [{ setupRequest }] });
}

/** Resolves to how many answers were 202, how many 429, and how many requests were under way as time was up; refuses a run in which any request failed or was answered otherwise. */
async function flood({ durationMs, ...options }) {
  const result = await autocannon({ ...options, duration: durationMs / 1_000, sampleInt: 100 });
  const { errors, statusCodeStats, requests } = result;
  const { 202: accepted, 429: refused, ...others } = statusCodeStats;
  if (errors > 0 || Object.keys(others).length > 0)
    throw new Error(`${options.url}: ${errors} requests failed, others were answered ${Object.keys(others)}.`);
  return { accepted: accepted?.count ?? 0, refused: refused?.count ?? 0, unanswered: requests.sent - requests.total };
}

export const open = () => ({ load, loadWith, flood });

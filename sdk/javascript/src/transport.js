import { Problem } from "./problem.js";

/**
 * What sends a request `{method, path, headers, body}` and answers `{status, body, headers}`. It throws Problem, and
 * `connection_lost` where no answer of the shop came.
 * @param {import("../index.d.ts").Options} options
 */
export function transport({ baseUrl, fetch: send = globalThis.fetch.bind(globalThis), timeoutMs = 15000, language }) {
  return async ({ method, path, headers, body }) => {
    let answer, text;
    try {
      answer = await send(baseUrl.replace(/\/$/, "") + path, {
        method,
        headers: {
          ...(body && { "Content-Type": "application/json" }),
          ...(language?.() && { "Accept-Language": language() }),
          ...headers,
        },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
        credentials: "omit",
        cache: "no-store",
      });
      text = await answer.text();
    } catch (cause) {
      throw Object.assign(new Problem("connection_lost", hint(baseUrl)), { cause });
    }
    const parsed = parse(text);
    if (answer.ok) return { status: answer.status, body: parsed, headers: answer.headers };
    // Whatever stands between us and the shop may answer in words of its own: that is no answer of the shop.
    const retryAfter = Number(answer.headers.get("Retry-After"));
    const members = { ...(retryAfter && { retryAfter }), ...parsed, status: answer.status };
    throw new Problem(parsed?.code ?? "connection_lost", members);
  };
}

/** A browser tells a script nothing of why it withheld an answer: what is most often the reason when origins differ. */
function hint(baseUrl) {
  const here = globalThis.location?.origin;
  if (!here || new URL(baseUrl, here).origin === here) return {};
  return {
    detail: `No answer of ${baseUrl} could be read. If the shop runs, it must allow this page's origin: LINGDANG_CORS_ORIGINS=${here}`,
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import { Problem } from "./problem.js";

/**
 * Sends requests. Answers `{status, body, headers}`; throws Problem, `connection_lost` where no answer came.
 */
export class Transport {
  /** @param {{baseUrl: string, fetch?: typeof fetch, timeoutMs?: number, language?: () => string | undefined}} options */
  constructor({ baseUrl, fetch: send, timeoutMs = 15000, language = () => undefined }) {
    this.baseUrl = baseUrl.replace(/\/$/, "");
    this.send = send ?? ((...given) => globalThis.fetch(...given));
    this.timeoutMs = timeoutMs;
    this.language = language;
  }

  /** @param {{method: string, path: string, headers?: Record<string, string>, body?: unknown}} request */
  async request({ method, path, headers = {}, body }) {
    const given = { Accept: "application/json", ...headers };
    if (this.language()) given["Accept-Language"] = this.language();
    if (body !== undefined) given["Content-Type"] = "application/json";
    let answer, text;
    try {
      answer = await this.send(this.baseUrl + path, {
        method,
        headers: given,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(this.timeoutMs),
        credentials: "omit",
        cache: "no-store",
      });
      text = await answer.text();
    } catch (cause) {
      throw Object.assign(new Problem("connection_lost"), { cause });
    }
    const parsed = parse(text);
    if (answer.ok) return { status: answer.status, body: parsed, headers: answer.headers };
    throw problemOf(answer, parsed);
  }
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function problemOf(answer, body) {
  const wait = Number(answer.headers.get("retry-after")) || undefined;
  // Whatever stands between us and the shop may answer in words of its own: that is no answer of the shop.
  const code = typeof body?.code === "string" ? body.code : "connection_lost";
  return new Problem(code, { ...body, status: answer.status, retryAfter: body?.retryAfter ?? wait });
}

/**
 * The HTTP interface, as the page uses it. Every refusal comes out as a `Problem`. Knows nothing of elements.
 */

const KEY_NAME = "vitrine-api-key";
const UNREACHABLE = "The server did not answer. Check that it runs and that you are connected, then try again.";

/** An answer that is not the one hoped for: RFC 9457 fields, or what can be said where there are none. */
export class Problem extends Error {
  constructor({ status, title, detail, code, request_id: requestId, errors }) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.code = code;
    this.requestId = requestId;
    this.errors = Array.isArray(errors) ? errors : [];
  }
}

/** The API key of this tab, or null. Session storage: it is gone when the tab is closed. */
export function readKey() {
  return sessionStorage.getItem(KEY_NAME);
}

/** Keeps an API key for this tab; null forgets it. */
export function keepKey(key) {
  if (key === null) sessionStorage.removeItem(KEY_NAME);
  else sessionStorage.setItem(KEY_NAME, key);
}

/** `GET /v1/info`: what this catalogue has. */
export async function readInfo() {
  return (await send("/v1/info")).json();
}

/** `GET /v1/items/{id}`. */
export async function readItem(id, signal) {
  return (await send(`/v1/items/${encodeURIComponent(id)}`, { signal })).json();
}

/** `POST /v1/search` with a JSON question. */
export const search = (question, signal) => post("/v1/search", question, signal);

/** `POST /v1/regions`: parts of a picture the server knows. */
export const readRegions = (photo, signal) => post("/v1/regions", { photo }, signal);

/** `POST /v1/explain`: why an item is as near as it is. */
export const explain = (question, signal) => post("/v1/explain", question, signal);

/** `POST /v1/search` with a picture's file. */
export async function searchFile(file, question, signal) {
  const body = new FormData();
  body.append("photo", file, file.name || "picture");
  body.append("query", JSON.stringify(question));
  return (await send("/v1/search", { method: "POST", body, signal })).json();
}

/** `POST /v1/classify`: what an engine sees in a picture the server knows. */
export const classify = (engine, photo) => post(addressEngine(engine), { photo });

/** `POST /v1/classify` with a picture's file. */
export async function classifyFile(engine, file) {
  const body = new FormData();
  body.append("photo", file, file.name || "picture");
  return (await send(addressEngine(engine), { method: "POST", body })).json();
}

const addressEngine = (engine) => `/v1/classify?engine=${encodeURIComponent(engine)}`;

/** A picture's bytes, for the case that an API key must go along, which an <img> cannot send. */
export async function readPicture(url, signal) {
  return (await send(url, { signal })).blob();
}

async function post(url, question, signal) {
  const body = JSON.stringify(question);
  return (await send(url, { method: "POST", body, headers: { "Content-Type": "application/json" }, signal })).json();
}

async function send(url, { headers = {}, ...options } = {}) {
  const key = readKey();
  let answer;
  try {
    answer = await fetch(url, { ...options, headers: key ? { ...headers, "X-API-Key": key } : headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ status: 0, title: "No answer", detail: UNREACHABLE, code: "unreachable" });
  }
  if (!answer.ok) throw await readProblem(answer);
  return answer;
}

async function readProblem(answer) {
  let fields = {};
  try {
    fields = await answer.json();
  } catch {
    // A proxy's own error page is HTML; the status line is then all there is to say.
  }
  return new Problem({
    ...fields,
    status: answer.status,
    title: fields.title || answer.statusText || `Status ${answer.status}`,
    detail: fields.detail || `The server answered with status ${answer.status}.`,
    request_id: fields.request_id || answer.headers.get("X-Request-ID"),
  });
}

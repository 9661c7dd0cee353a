// A client for the public API (docs/API.md). It sends the key of this tab; without one, the browser sends its cookie.

import { pause, pauseAfter, waitForServer } from "./outage.js"
import { getKey } from "./session.js"

// The server sends at least a heartbeat every 15 s. After a longer silence, the connection is dead.
const SILENCE_MS = 35000
const MOST_COLLECTIONS = 1000

/** A failed call. `status` is the HTTP status, or 0 if the server can't be reached; `message` comes from the server. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/**
 * Call the API: api("/logs", {query: {limit: 50}}), api(`/logs/${id}/tags`, {method: "POST", body: {tag}}).
 *
 * Query values that are null, undefined or "" are not sent. `key` replaces the key of this tab; null sends none.
 * Resolves to the parsed JSON; rejects with an ApiError.
 */
export async function api(path, { method = "GET", query, body, signal, key = getKey() } = {}) {
  const headers = authorize({ Accept: "application/json" }, key)
  if (body !== undefined) headers["Content-Type"] = "application/json"
  const response = await request(path + formatQuery(query), { method, headers, body: body && JSON.stringify(body), signal })
  return await response.json().catch(() => null)
}

/** Fetch an answer as text, unparsed. */
export async function fetchText(path) {
  const response = await request(path, { headers: authorize({ Accept: "application/json" }) })
  return await response.text()
}

/** List the newest 1,000 collections of the signed-in user. */
export async function listCollections() {
  const found = []
  for (let more = true; more && found.length < MOST_COLLECTIONS;) {
    const { collections, total } = await api("/collections", { query: { limit: 100, offset: found.length } })
    found.push(...collections)
    more = collections.length > 0 && found.length < total
  }
  return found
}

/** Return the API path of a request: requestPath("a b", "/tags") is "/logs/a%20b/tags". */
export function requestPath(requestId, rest = "") {
  return `/logs/${encodeURIComponent(requestId)}${rest}`
}

/** Return the API path of what is computed about a request: confidencePath("a b", "/spans"). */
export function confidencePath(requestId, rest) {
  return `/v1/confidence/${encodeURIComponent(requestId)}${rest}`
}

/** Return the address of a request's page. */
export function viewPath(requestId) {
  return `/view/${encodeURIComponent(requestId)}`
}

export function formatQuery(query) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== "")
  return given.length ? `?${new URLSearchParams(given)}` : ""
}

/**
 * Subscribe to the events of GET /logs/stream. Uses fetch, so that the key is sent in a header and not in the URL.
 *
 * Reconnects after each interruption, at most 5 s after the server is back, and resumes at the last position, until `signal` is aborted or the server refuses.
 *   onMessage(message)   {type: "new_log", data} or {type: "lagged", missed}
 *   onState(state, startsNow)
 *                        "live", "waiting" (reconnecting) or "refused"; startsNow if the stream does not resume
 */
export async function listen({ query, signal, onMessage, onState }) {
  let position = null
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const headers = authorize({ Accept: "text/event-stream" })
      if (position) headers["Last-Event-ID"] = position
      const response = await fetch(`/logs/stream${formatQuery(query)}`, { headers, signal })
      if (response.status === 400 && position) position = null // the database was restored to an earlier state
      else if ([400, 401, 403].includes(response.status)) return onState("refused")
      if (response.ok) {
        onState("live", !position)
        failures = 0
        position = await readEvents(response.body, position, onMessage)
      }
    } catch {
      // The connection broke or the user left the page; the loop checks which.
    }
    if (signal.aborted) return
    onState("waiting")
    await pause(pauseAfter(failures), signal)
    await waitForServer(signal)
  }
}

async function readEvents(stream, position, onMessage) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  try {
    for (;;) {
      const silence = setTimeout(() => reader.cancel(), SILENCE_MS)
      const { value, done } = await reader.read().finally(() => clearTimeout(silence))
      if (done) return position
      const events = (rest + value).split("\n\n")
      rest = events.pop()
      for (const event of events) position = readEvent(event, onMessage) ?? position
    }
  } catch {
    return position
  }
}

function readEvent(text, onMessage) {
  let id = null
  const data = []
  for (const line of text.split("\n")) {
    if (line.startsWith("id:")) id = line.slice(3).trim()
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""))
  }
  if (data.join("")) {
    const message = JSON.parse(data.join("\n"))
    if (message?.type) onMessage(message)
  }
  return id
}

function authorize(headers, key = getKey()) {
  return key ? { ...headers, "X-API-Key": key } : headers
}

async function request(path, options) {
  const response = await fetch(path, options).catch((error) => {
    if (error.name === "AbortError") throw error
    throw new ApiError(0, "The server can't be reached. Check that it is running and that you are online.")
  })
  if (response.ok) return response
  const answer = await response.json().catch(() => null)
  throw new ApiError(response.status, answer?.message ?? `The server answered ${response.status}. Try again later.`)
}

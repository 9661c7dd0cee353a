// A shared collection: its name, description and requests. It needs no API key.

import { api } from "../lib/api.js"
import { emptyState, h, replace } from "../lib/dom.js"
import { formatAmount, formatTime } from "../lib/format.js"
import { drawMoreOf } from "./feed/more.js"

const PAGE = 50
const MAX_TEXT = 400

/** Show the collection of a share link. */
export async function show(main, { parameters: { token }, signal, signIn }) {
  const path = `/share/${encodeURIComponent(token)}`
  const { collection, requests, total_requests: total } = await api(path, { query: { limit: PAGE }, signal })
  document.title = `${collection.name} · Thunder`
  const list = h("ol", { class: "members", "aria-label": "Requests" })
  const more = h("div", { class: "more" })
  const add = (rows) => list.append(...rows.map((row) => drawMember(path, row)))
  const read = async (offset) => (await api(path, { query: { limit: PAGE, offset }, signal })).requests
  add(requests)
  replace(main,
    h("h1", { dir: "auto" }, collection.name),
    collection.description && h("p", { class: "description", dir: "auto" }, collection.description),
    h("p", { class: "faint" }, `Shared collection of ${formatAmount(total, "request")}, last added first.`),
    total ? list : emptyState("No requests yet", "The owner of this collection can still add requests."),
    more)
  drawMoreOf(more, { shown: requests.length, total, signal, signIn, read, add })
}

function drawMember(path, row) {
  const text = row.final_text?.slice(0, MAX_TEXT).replace(/\s+/g, " ").trim() || "(no text)"
  return h("li", null,
    h("a", { class: "text", href: `${path}/request/${encodeURIComponent(row.request_id)}`, dir: "auto" }, text),
    h("p", { class: "meta" }, h("time", { datetime: row.created_ts }, formatTime(row.created_ts)), row.model_id && h("span", null, row.model_id)))
}

// The collections of the signed-in user: a table, and a form for a new one.

import { api } from "../lib/api.js"
import { drawForm, emptyState, h, replace } from "../lib/dom.js"
import { formatAmount, formatCount, formatTime } from "../lib/format.js"
import { drawNumberHead, drawTable, drawWide, makeAttempt } from "../lib/parts.js"
import { drawMoreOf } from "./feed/more.js"

const PAGE = 100

/** Show /collection. */
export async function show(main, { go, signal, signIn }) {
  const { collections, total } = await api("/collections", { query: { limit: PAGE }, signal })
  const heads = ["Name", "Description", drawNumberHead("Requests"), "Shared", "Changed", "Created by"]
  const table = drawTable({ class: "collections", caption: `${formatAmount(total, "collection")}, newest first.`, heads }, collections.map(drawRow))
  const more = h("div", { class: "more" })
  const add = (rows) => table.tBodies[0].append(...rows.map(drawRow))
  const read = async (offset) => (await api("/collections", { query: { limit: PAGE, offset }, signal })).collections
  replace(main, h("h1", null, "Collections"),
    drawNew(go, signIn),
    total ? drawWide("Collections", table)
      : emptyState("No collections yet", "A collection is a named set of requests, to share or to look at again. Select requests in the list to add them."),
    more)
  drawMoreOf(more, { shown: collections.length, total, signal, signIn, read, add })
}

function drawRow(one) {
  return h("tr", null,
    h("td", null, h("a", { class: "name", href: `/collection/${one.id}`, dir: "auto" }, one.name)),
    h("td", { dir: "auto" }, h("span", { class: "name" }, one.description)),
    h("td", { class: "number" }, formatCount(one.request_count)),
    h("td", null, one.is_public ? "link" : "no"),
    h("td", null, formatTime(one.updated_at)),
    h("td", null, one.created_by))
}

function drawNew(go, signIn) {
  const note = h("div")
  const attempt = makeAttempt(note, signIn)
  const name = h("input", { id: "new-collection", required: true, maxlength: 200, autocomplete: "off" })
  const create = async () => {
    const answer = await attempt(() => api("/collections", { method: "POST", body: { name: name.value.trim() } }))
    if (answer) go(`/collection/${answer.collection.id}`)
  }
  return drawForm({ class: "inline" }, create, h("label", { for: name.id }, "New collection"), name, h("button", { class: "primary" }, "Create"), note)
}

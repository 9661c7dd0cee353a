// The collections of the signed-in user: a table, and a form for a new one.

import { api } from "../lib/api.js"
import { announce, emptyState, errorNote, h, replace } from "../lib/dom.js"
import { formatCount, formatTime } from "../lib/format.js"
import { drawMoreOf } from "./feed/more.js"

const PAGE = 100

/** Show /collection. */
export async function show(main, { go, signal, signIn }) {
  const { collections, total } = await api("/collections", { query: { limit: PAGE }, signal })
  const body = h("tbody")
  const more = h("div", { class: "more" })
  const add = (rows) => body.append(...rows.map(drawRow))
  const read = async (offset) => (await api("/collections", { query: { limit: PAGE, offset }, signal })).collections
  add(collections)
  const names = ["Name", "Description", "Requests", "Shared", "Changed", "Created by"]
  replace(main, h("h1", null, "Collections"),
    drawNew(async (name) => {
      const { collection, message } = await api("/collections", { method: "POST", body: { name } })
      announce(`${message}.`)
      await go(`/collection/${collection.id}`)
    }),
    total ? h("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "Collections" }, h("table", { class: "collections" },
      h("caption", null, `${formatCount(total)} collection${total === 1 ? "" : "s"}, newest first.`),
      h("thead", null, h("tr", null, names.map((name) => h("th", { scope: "col", class: name === "Requests" ? "number" : null }, name)))), body))
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

function drawNew(create) {
  const note = h("div")
  const name = h("input", { id: "new-collection", required: true, maxlength: 200, autocomplete: "off" })
  const submit = async (event) => {
    event.preventDefault()
    await create(name.value.trim()).catch((error) => replace(note, errorNote(error)))
  }
  return h("form", { class: "inline", onsubmit: submit }, h("label", { for: name.id }, "New collection"), name, h("button", { class: "primary" }, "Create"), note)
}

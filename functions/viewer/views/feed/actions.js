// Actions on the selected requests: tag, add to a collection, delete.

import { api, requestPath } from "../../lib/api.js"
import { announce, errorNote, h, replace } from "../../lib/dom.js"
import { formatAmount, formatTime } from "../../lib/format.js"

const MOST_COLLECTIONS = 100
const NEW = "new"

/** Draw the buttons. `place` shows the form or the result of the last one. See choice.js for the callbacks. */
export function drawActions(rows, place, { onDeleted, onChanged }) {
  const run = (work, done) => async (event) => {
    event?.preventDefault()
    const results = await forEach(rows, work, (count) => replace(place, h("p", { class: "faint", role: "status" }, `${count} of ${rows.length} …`)))
    const failed = results.filter(({ error }) => error)
    const finished = results.filter(({ error }) => !error)
    announce(`${done}: ${finished.length}. Failed: ${failed.length}.`)
    replace(place, h("p", { role: "status" }, `${done}: ${formatAmount(finished.length, "request")}.`), drawFailures(failed))
    return finished
  }
  const open = (draw) => async () => {
    replace(place, await draw().catch((error) => errorNote(error)))
    place.querySelector("input, select, button")?.focus()
  }
  const buttons = [
    ["Tag", () => drawTag(async (tag, event) => {
      const work = (row) => api(requestPath(row.request_id, "/tags"), { method: "POST", body: { tag } })
      const finished = await run(work, `Tagged “${tag}”`)(event)
      onChanged(finished.map(({ row, answer }) => ({ ...row, tags: answer.tags })))
    })],
    ["Add to collection", () => drawCollections(async (id, name, event) => {
      await run((row) => api(`/collections/${id}/requests`, { method: "POST", body: { request_id: row.request_id } }), `Added to “${name}”`)(event)
    })],
    ["Delete", async () => drawDelete(rows.length, async (event) => {
      const finished = await run((row) => api(requestPath(row.request_id), { method: "DELETE" }), "Deleted permanently")(event)
      place.append(...drawReceipts(finished))
      onDeleted(finished.map(({ row }) => row.request_id))
    }, () => replace(place))],
  ]
  return h("span", { class: "buttons" }, buttons.map(([name, draw]) => h("button", { onclick: open(async () => draw()) }, `${name} …`)))
}

// One after the other: each is a transaction of its own, and a failure does not stop the others.
async function forEach(rows, work, report) {
  const results = []
  for (const row of rows) {
    report(results.length)
    results.push(await work(row).then((answer) => ({ row, answer }), (error) => ({ row, error })))
    if (results.at(-1).error?.status === 401 || results.at(-1).error?.status === 403) break
  }
  return results
}

function drawFailures(failed) {
  return failed.slice(0, 5).map(({ row, error }) => errorNote({ message: `${row.request_id}: ${error.message}` }))
}

function drawTag(submit) {
  const tag = h("input", { id: "bulk-tag", required: true, maxlength: 200, autocomplete: "off" })
  return h("form", { class: "inline", onsubmit: (event) => submit(tag.value.trim(), event) }, h("label", { for: tag.id }, "Tag"), tag, h("button", { class: "primary" }, "Add"))
}

async function drawCollections(submit) {
  const { collections } = await api("/collections", { query: { limit: MOST_COLLECTIONS } })
  const select = h("select", { id: "bulk-collection", onchange: () => show() },
    collections.map((one) => h("option", { value: one.id }, one.name)), h("option", { value: NEW }, "New collection …"))
  const name = h("input", { id: "bulk-name", maxlength: 200, autocomplete: "off", "aria-label": "Name of the new collection", placeholder: "Name" })
  const show = () => {
    name.hidden = select.value !== NEW
    name.required = !name.hidden
  }
  show()
  const onsubmit = async (event) => {
    event.preventDefault()
    if (select.value !== NEW) return submit(select.value, select.selectedOptions[0].text, event)
    const { collection } = await api("/collections", { method: "POST", body: { name: name.value.trim() } })
    await submit(collection.id, collection.name, event)
  }
  return h("form", { class: "inline", onsubmit }, h("label", { for: select.id }, "Collection"), select, name, h("button", { class: "primary" }, "Add"))
}

function drawDelete(count, remove, cancel) {
  return h("div", { class: "inline" }, h("span", null, `Delete ${formatAmount(count, "request")} and all their data? This can't be undone.`),
    h("button", { class: "danger", onclick: remove }, "Delete permanently"), h("button", { class: "quiet", onclick: cancel }, "Cancel"))
}

function drawReceipts(finished) {
  if (!finished.length) return []
  const line = ({ row, answer: { deletion } }) => h("tr", null, h("td", null, row.request_id), h("td", { class: "number" }, deletion.ordinal),
    h("td", null, formatTime(deletion.deleted_at)), h("td", { class: "mono" }, deletion.request_sha256))
  return [h("div", { class: "receipts", tabindex: 0, role: "region", "aria-label": "Receipts" }, h("table", null, h("caption", null, "Receipts. They are kept; an admin finds them by the request's id."),
    h("thead", null, h("tr", null, ["Request", "Receipt", "Deleted", "SHA-256 of the id"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, finished.map(line))))]
}

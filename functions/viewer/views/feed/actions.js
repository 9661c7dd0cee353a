// Actions on the selected requests: tag, add to a collection, delete.

import { api, requestPath } from "../../lib/api.js"
import { announce, drawForm, errorNote, h, replace } from "../../lib/dom.js"
import { formatAmount, formatTime } from "../../lib/format.js"
import { drawTable } from "../../lib/parts.js"

const MOST_COLLECTIONS = 100
const NEW = "new"

/** Draw the buttons. `place` shows the form or the result of the last one. See choice.js for the callbacks. */
export function drawActions(rows, place, { onDeleted, onChanged }) {
  const run = async (work, done) => {
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
    ["Tag", () => drawTag(async (tag) => {
      const work = (row) => api(requestPath(row.request_id, "/tags"), { method: "POST", body: { tag } })
      const finished = await run(work, `Tagged “${tag}”`)
      onChanged(finished.map(({ row, answer }) => ({ ...row, tags: answer.tags })))
    })],
    ["Add to collection", () => drawCollections((id, name) =>
      run((row) => api(`/collections/${id}/requests`, { method: "POST", body: { request_id: row.request_id } }), `Added to “${name}”`))],
    ["Delete", async () => drawDelete(rows.length, async () => {
      const finished = await run((row) => api(requestPath(row.request_id), { method: "DELETE" }), "Deleted permanently")
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
  return drawForm({ class: "inline" }, () => submit(tag.value.trim()), h("label", { for: tag.id }, "Tag"), tag, h("button", { class: "primary" }, "Add"))
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
  const add = async () => {
    if (select.value !== NEW) return submit(select.value, select.selectedOptions[0].text)
    const { collection } = await api("/collections", { method: "POST", body: { name: name.value.trim() } })
    return submit(collection.id, collection.name)
  }
  return drawForm({ class: "inline" }, add, h("label", { for: select.id }, "Collection"), select, name, h("button", { class: "primary" }, "Add"))
}

function drawDelete(count, remove, cancel) {
  return h("div", { class: "inline" }, h("span", null, `Delete ${formatAmount(count, "request")} and all their data? This can't be undone.`),
    h("button", { class: "danger", onclick: remove }, "Delete permanently"), h("button", { class: "quiet", onclick: cancel }, "Cancel"))
}

function drawReceipts(finished) {
  if (!finished.length) return []
  const line = ({ row, answer: { deletion } }) => h("tr", null, h("td", null, row.request_id), h("td", { class: "number" }, deletion.ordinal),
    h("td", null, formatTime(deletion.deleted_at)), h("td", { class: "mono" }, deletion.request_sha256))
  const heads = ["Request", "Receipt", "Deleted", "SHA-256 of the id"]
  const table = drawTable({ caption: "Receipts. They are kept; an admin finds them by the request's id.", heads }, finished.map(line))
  return [h("div", { class: "receipts", tabindex: 0, role: "region", "aria-label": "Receipts" }, table)]
}

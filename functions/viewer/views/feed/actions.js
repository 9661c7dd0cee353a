// Actions on the selected requests: tag, add to a collection, delete.

import { api, listCollections, requestPath } from "../../lib/api.js"
import { announce, drawForm, errorNote, h, holdFocus, replace } from "../../lib/dom.js"
import { formatAmount, formatTime } from "../../lib/format.js"
import { drawTable, makeAttempt } from "../../lib/parts.js"

const NEW = "new"

/** Draw the buttons. `place` shows the form or the result of the last one. See choice.js for the callbacks. */
export function drawActions(rows, place, { onDeleted, onChanged, signIn }) {
  const run = async (chosen, work, done) => {
    const results = await forEach(chosen, work, (count) => replace(place, h("p", { class: "faint", role: "status" }, `${count} of ${chosen.length} …`)))
    const failed = results.filter(({ error }) => error)
    const refused = failed.find(({ error }) => error.status === 401)
    if (refused) signIn(refused.error.message)
    const finished = results.filter(({ error }) => !error)
    announce(`${done}: ${finished.length}. Failed: ${failed.length}.`)
    replace(place, h("p", { role: "status" }, `${done}: ${formatAmount(finished.length, "request")}.`), drawFailures(failed))
    place.focus()
    return finished
  }
  const attempt = makeAttempt(place, signIn)
  const open = (draw) => async ({ currentTarget: opener }) => {
    const close = () => {
      replace(place)
      opener.focus()
    }
    const form = await attempt(async () => draw(close))
    if (!form) return
    replace(place, form)
    holdFocus(form, close)
  }
  const changeTag = async (chosen, method, tag, done) => {
    const finished = await run(chosen, (row) => api(requestPath(row.request_id, "/tags"), { method, body: { tag } }), done)
    onChanged(finished.map(({ row, answer }) => ({ ...row, tags: answer.tags })))
    return finished.map(({ row }) => row)
  }
  const buttons = [
    ["Tag", () => drawTag(async (name) => {
      const tagged = await changeTag(rows, "POST", name, `Tagged “${name}”`)
      const fresh = tagged.filter((row) => !row.tags.includes(name))
      const undo = () => changeTag(fresh, "DELETE", name, `Removed “${name}”`)
      if (fresh.length) place.append(h("button", { class: "quiet", onclick: undo }, "Undo"))
    })],
    ["Add to collection", () => drawCollections(({ id, name }) =>
      run(rows, (row) => api(`/collections/${id}/requests`, { method: "POST", body: { request_id: row.request_id } }), `Added to “${name}”`), signIn)],
    ["Delete", (close) => drawDelete(rows.length, async () => {
      const finished = await run(rows, (row) => api(requestPath(row.request_id), { method: "DELETE" }), "Deleted permanently")
      place.append(...drawReceipts(finished))
      onDeleted(finished.map(({ row }) => row.request_id))
    }, close)],
  ]
  return h("span", { class: "buttons" }, buttons.map(([name, draw]) => h("button", { onclick: open(draw) }, `${name} …`)))
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
  const tag = h("input", { id: "bulk-tag", required: true, maxlength: 100, autocomplete: "off" })
  return drawForm({ class: "inline" }, () => submit(tag.value.trim()), h("label", { for: tag.id }, "Tag"), tag, h("button", { class: "primary" }, "Add"))
}

async function drawCollections(submit, signIn) {
  const collections = await listCollections()
  const select = h("select", { id: "bulk-collection", onchange: () => show() },
    collections.map((one) => h("option", { value: one.id }, one.name)), h("option", { value: NEW }, "New collection …"))
  const name = h("input", { id: "bulk-name", maxlength: 200, autocomplete: "off", "aria-label": "Name of the new collection", placeholder: "Name" })
  const show = () => {
    name.hidden = select.value !== NEW
    name.required = !name.hidden
  }
  show()
  const note = h("div")
  const attempt = makeAttempt(note, signIn)
  const add = async () => {
    if (select.value !== NEW) return submit({ id: select.value, name: select.selectedOptions[0].text })
    const made = await attempt(() => api("/collections", { method: "POST", body: { name: name.value.trim() } }))
    return made && submit(made.collection)
  }
  return drawForm({ class: "inline" }, add, h("label", { for: select.id }, "Collection"), select, name, h("button", { class: "primary" }, "Add"), note)
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

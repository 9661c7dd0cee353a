// The selected requests, and the bar with the actions on them.

import { announce, h, replace } from "../../lib/dom.js"
import { formatAmount } from "../../lib/format.js"
import { drawActions } from "./actions.js"
import { nameRow } from "./row.js"

const MOST_COMPARED = 4
const LETTERS = "abcd"

/**
 * Make the selection: {element, has(id), toggle(row, event), setAll(rows, isChosen), forget(ids), focus()}.
 *
 *   between(id, other)    the rows from one to the other, for a click with the shift key
 *   onDeleted(ids)        called after requests were deleted or forgotten
 *   onChanged(rows)       called with rows that have new tags
 */
export function makeChoice({ between, onDeleted, onChanged, signIn }) {
  const chosen = new Map()
  let last = null
  const summary = h("div", { class: "summary" })
  const place = h("div", { class: "action", tabindex: -1 })
  const element = h("section", { class: "choice", hidden: true, "aria-label": "Selected requests" }, summary, place)
  const mark = (id, isChosen) => {
    const box = document.querySelector(`article[data-id="${CSS.escape(id)}"] input[type=checkbox]`)
    if (box) box.checked = isChosen
  }
  const set = (row, isChosen) => {
    if (isChosen) chosen.set(row.request_id, row)
    else chosen.delete(row.request_id)
    mark(row.request_id, isChosen)
  }
  const clear = () => {
    for (const row of [...chosen.values()]) set(row, false)
    change()
    document.querySelector(".request a")?.focus()
  }
  // A form or result below the summary belongs to the previous selection.
  const change = () => {
    replace(place)
    draw()
  }
  const forget = (ids) => {
    const wereChosen = ids.filter((id) => chosen.delete(id))
    onDeleted(ids)
    if (wereChosen.length) draw()
  }
  const renew = (rows) => {
    for (const row of rows) if (chosen.has(row.request_id)) chosen.set(row.request_id, row)
    onChanged(rows)
    draw()
  }
  const draw = () => {
    const rows = [...chosen.values()]
    element.hidden = !rows.length && !place.hasChildNodes()
    replace(summary,
      rows.length ? [h("strong", null, `${formatAmount(rows.length, "request")} selected`), drawCompare(rows), drawActions(rows, place, { onDeleted: forget, onChanged: renew, signIn })] : null,
      h("button", { class: "quiet", onclick: clear }, rows.length ? "Clear" : "Close"))
  }
  return {
    element,
    has: (id) => chosen.has(id),
    forget,
    focus: () => summary.querySelector("a, button")?.focus(),
    toggle(row, event) {
      const isChosen = !chosen.has(row.request_id)
      const range = event?.shiftKey && last !== null ? between(last, row.request_id) : []
      for (const one of [...range, row]) set(one, isChosen)
      last = row.request_id
      change()
      announce(`${formatAmount(chosen.size, "request")} selected.`)
    },
    setAll(rows, isChosen) {
      for (const row of rows) set(row, isChosen)
      change()
      announce(`${formatAmount(chosen.size, "request")} selected.`)
    },
  }
}

function drawCompare(rows) {
  if (rows.length < 2) return h("span", { class: "faint chosen", dir: "auto" }, rows.length ? nameRow(rows[0]) : "")
  if (rows.length > MOST_COMPARED) return h("span", { class: "faint" }, `Up to ${MOST_COMPARED} can be compared.`)
  const query = new URLSearchParams(rows.map((row, index) => [LETTERS[index], row.request_id]))
  return h("a", { class: "button primary", href: `/compare?${query}` }, "Compare selected")
}

// Tables of a request's tabs, one page of rows at a time.

import { h } from "../../../lib/dom.js"
import { drawTable } from "../../../lib/parts.js"

const PAGE = 50

/** Draw a table with a caption and named columns. `drawRow(item)` draws a row. */
export function drawRows(caption, columns, items, drawRow) {
  return drawTable({ caption, heads: columns }, listPage(items, drawRow, 0, columns.length))
}

function listPage(items, drawRow, start, width) {
  const end = Math.min(start + PAGE, items.length)
  const more = h("button", { onclick: () => more.closest("tr").replaceWith(...listPage(items, drawRow, end, width)) }, `Show more (${items.length - end})`)
  const rows = items.slice(start, end).map(drawRow)
  return end < items.length ? [...rows, h("tr", null, h("td", { colspan: width }, more))] : rows
}

/** Draw a button that goes to a token; "–" for a forward pass without one. */
export function drawTokenLink(index, goTo) {
  return index === null ? "–" : h("button", { class: "place", onclick: () => goTo(index) }, `token ${index + 1}`)
}

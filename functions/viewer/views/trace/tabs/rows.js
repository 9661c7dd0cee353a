// Tables of a request's tabs, one page of rows at a time.

import { h } from "../../../lib/dom.js"

const PAGE = 50

/** Draw a table with a caption and named columns. `drawRow(item)` draws a row. */
export function drawRows(caption, columns, items, drawRow) {
  return h("table", null,
    h("caption", null, caption),
    h("thead", null, h("tr", null, columns.map((name) => h("th", { scope: "col" }, name)))),
    drawPage(items, drawRow, 0, columns.length))
}

function drawPage(items, drawRow, start, width) {
  const end = Math.min(start + PAGE, items.length)
  const more = h("button", {
    onclick: () => {
      const rest = drawPage(items, drawRow, end, width)
      more.closest("tr").replaceWith(...rest.childNodes)
    },
  }, `Show more (${items.length - end})`)
  return h("tbody", null, items.slice(start, end).map(drawRow), end < items.length ? h("tr", null, h("td", { colspan: width }, more)) : null)
}

/** Draw a button that goes to a token; "–" for a forward pass without one. */
export function drawTokenLink(index, goTo) {
  return index === null ? "–" : h("button", { class: "place", onclick: () => goTo(index) }, `token ${index + 1}`)
}

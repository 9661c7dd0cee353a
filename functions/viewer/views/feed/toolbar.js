// The line above the list: the number of requests, and the menus for columns, views and export.

import { h, replace } from "../../lib/dom.js"
import { formatAmount } from "../../lib/format.js"
import { drawMenu } from "../../lib/menu.js"
import { drawExport } from "./export.js"
import { COLUMNS, PARTS } from "./look.js"
import { drawViews } from "./views.js"

/** Draw the toolbar: {element, showTotal(total, isBound)}. `onLook(look)` receives each change of columns or density. */
export function drawToolbar({ look, onLook, address, query, signal }) {
  const total = h("p", { class: "total", role: "status" })
  const keep = (wanted) => {
    look = wanted
    onLook(look)
  }
  const element = h("div", { class: "toolbar" }, total,
    drawMenu("Columns", () => drawLook(look, keep), signal),
    drawMenu("Views", () => drawViews({ address }), signal),
    drawMenu("Export", () => drawExport({ query, signal }), signal))
  return {
    element,
    showTotal: (count, isBound) => replace(total, count === null ? null : `${isBound ? "More than " : ""}${formatAmount(count, "request")}`),
  }
}

function drawLook(look, onLook) {
  const change = (part) => {
    look = { ...look, ...part }
    onLook(look)
  }
  const toggle = (name) => (event) => {
    const columns = new Set(look.columns)
    if (event.target.checked) columns.add(name)
    else columns.delete(name)
    change({ columns })
  }
  const draw = (name, label) => h("label", { class: "check" }, h("input", { type: "checkbox", checked: look.columns.has(name), onchange: toggle(name) }), label)
  const density = h("select", { id: "density", onchange: () => change({ density: density.value }) },
    h("option", { value: "comfortable" }, "Comfortable"), h("option", { value: "compact" }, "Compact"))
  density.value = look.density
  return [
    h("fieldset", null, h("legend", null, "Columns"), COLUMNS.map(({ name, label }) => draw(name, label))),
    h("fieldset", null, h("legend", null, "In each row"), PARTS.map(([name, label]) => draw(name, label))),
    h("p", { class: "inline" }, h("label", { for: density.id }, "Density"), density),
  ]
}

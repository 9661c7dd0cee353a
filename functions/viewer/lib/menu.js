// A button that opens a panel. It closes when the user clicks or goes elsewhere, or presses Esc.

import { h, replace } from "./dom.js"

/**
 * Draw a menu: drawMenu("Columns", draw, signal). The label is a text or an element.
 *
 * `draw` returns the content of the panel each time it opens.
 */
export function drawMenu(label, draw, signal) {
  const panel = h("div", { class: "panel" })
  const fill = () => replace(panel, element.open ? draw() : null)
  const element = h("details", { class: "drop", ontoggle: fill }, h("summary", null, label), panel)
  const closeOutside = (target) => {
    if (target && !element.contains(target)) element.open = false
  }
  const onKey = (event) => {
    if (event.key !== "Escape" || !element.open) return
    event.preventDefault()
    element.open = false
    element.firstChild.focus()
  }
  document.addEventListener("pointerdown", (event) => closeOutside(event.target), { signal })
  element.addEventListener("focusout", (event) => closeOutside(event.relatedTarget))
  element.addEventListener("keydown", onKey)
  return element
}

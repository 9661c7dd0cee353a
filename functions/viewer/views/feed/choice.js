// The two requests selected for comparison, and the bar with the link to compare them.

import { announce, h, replace } from "../../lib/dom.js"

const MOST = 2

/** Make the selection: {element, has(id), toggle(row)}. Selecting a third request deselects the first. */
export function makeChoice() {
  let chosen = []
  const element = h("div", { class: "choice", hidden: true })
  const mark = (id, isChosen) => {
    const box = document.querySelector(`article[data-id="${CSS.escape(id)}"] input[type=checkbox]`)
    if (box) box.checked = isChosen
  }
  const clear = () => {
    for (const row of chosen) mark(row.request_id, false)
    chosen = []
    draw()
    document.querySelector(".request a")?.focus()
  }
  const draw = () => {
    element.hidden = !chosen.length
    const [a, b] = chosen.map((row) => row.request_id)
    const names = chosen.map((row) => h("span", { class: "chosen", dir: "auto" }, row.final_text || row.request_id))
    const further = b === undefined
      ? h("span", { class: "faint" }, "Select another request to compare.")
      : h("a", { class: "button primary", href: `/compare?${new URLSearchParams({ a, b })}` }, "Compare selected")
    replace(element, names, further, h("button", { class: "quiet", onclick: clear }, "Clear"))
  }
  return {
    element,
    has: (id) => chosen.some((row) => row.request_id === id),
    toggle(row) {
      const others = chosen.filter((one) => one.request_id !== row.request_id)
      const isNew = others.length === chosen.length
      chosen = isNew ? [...others, row] : others
      if (chosen.length > MOST) mark(chosen.shift().request_id, false)
      mark(row.request_id, isNew)
      draw()
      if (chosen.length === MOST && isNew) announce("Two requests selected. The Compare selected link is at the end of the page.")
    },
  }
}

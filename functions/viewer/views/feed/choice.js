// Two requests chosen to be compared, and the bar that leads there.

import { announce, h, replace } from "../../lib/dom.js"

const MOST = 2

/** What is chosen: {element, has(id), toggle(row)}; a third takes the place of the first. */
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
      ? h("span", { class: "faint" }, "Choose another to compare it with.")
      : h("a", { class: "button primary", href: `/compare?${new URLSearchParams({ a, b })}` }, "Compare the two")
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
      if (chosen.length === MOST && isNew) announce("Two requests chosen. Compare the two is at the end of the page.")
    },
  }
}

// Named views of the feed: addresses with filters, columns and density. This browser keeps them.

import { announce, drawForm, h, replace } from "../../lib/dom.js"

const NAME = "thunder-views"
const MOST = 100

function readViews() {
  try {
    const views = JSON.parse(localStorage.getItem(NAME) ?? "[]")
    return Array.isArray(views) ? views.filter((one) => typeof one?.name === "string" && /^\/(\?|$)/.test(one.address)) : []
  } catch {
    return []
  }
}

/** Draw the panel of the Views menu. `address` returns the address of the current view. */
export function drawViews({ address }) {
  const list = h("ul", { class: "views" })
  const write = (views, sentence) => {
    if (views.length) localStorage.setItem(NAME, JSON.stringify(views.slice(0, MOST)))
    else localStorage.removeItem(NAME)
    draw()
    announce(sentence)
  }
  const draw = () => {
    const views = readViews()
    replace(list, views.length ? views.map((one) => h("li", null, h("a", { href: one.address }, one.name),
      h("button", { class: "quiet", "aria-label": `Remove the view ${one.name}`, onclick: () => write(views.filter((other) => other !== one), `Removed ${one.name}.`) }, "Remove")))
      : h("li", { class: "faint" }, "No saved views."))
  }
  const name = h("input", { id: "view-name", required: true, maxlength: 100, autocomplete: "off" })
  const save = () => {
    const given = name.value.trim()
    if (!given) return
    write([...readViews().filter((one) => one.name !== given), { name: given, address: address() }], `Saved ${given}.`)
    name.value = ""
  }
  draw()
  return [
    list,
    drawForm({ class: "inline" }, save, h("label", { for: name.id }, "Save this view as"), name, h("button", null, "Save")),
    h("p", { class: "faint" }, "Only this browser keeps saved views. To share this view, copy the address of the page."),
  ]
}

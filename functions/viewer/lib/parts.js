// Parts of pages that several views share.

import { announce, copyText, errorNote, h, replace } from "./dom.js"

/**
 * Draw a table: drawTable({caption, heads, …properties}, rows).
 *
 * A head is the name of a column, or an element, as for a column of numbers. `caption` is text or nodes, or null.
 */
export function drawTable({ caption, heads, ...properties }, rows) {
  return h("table", properties,
    caption && h("caption", null, caption),
    h("thead", null, h("tr", null, heads.map((head) => (head instanceof Node ? head : h("th", { scope: "col" }, head))))),
    h("tbody", null, rows))
}

/** Draw the head of a column of numbers. */
export function drawNumberHead(name) {
  return h("th", { scope: "col", class: "number" }, name)
}

/** Draw the cells of numbers. */
export function drawNumberCells(texts) {
  return texts.map((text) => h("td", { class: "number" }, text))
}

/** Put a table into an element that scrolls if the table is wider than the page. */
export function drawWide(name, table) {
  return h("div", { class: "wide", tabindex: 0, role: "group", "aria-label": name }, table)
}

/** Draw a table of bars, whose heads are hidden. */
export function drawBars(options, rows) {
  const table = drawTable({ ...options, class: `bars ${options.class ?? ""}`.trim() }, rows)
  table.tHead.className = "visually-hidden"
  return table
}

/** Draw the cells of a bar: its number as text, and the bar of its share. */
export function drawShare(text, share) {
  return [h("td", { class: "number" }, text), h("td", { class: "track" }, drawBar(share))]
}

/**
 * Make a function that runs a change of stored data: attempt(work).
 *
 * It announces the `message` of the answer and resolves to the answer. After an error it resolves to null, and `note` shows
 * the error; if the user is no longer signed in, `signIn` asks for a key.
 */
export function makeAttempt(note, signIn) {
  return async (work) => {
    try {
      const answer = await work()
      replace(note)
      if (answer?.message) announce(`${answer.message}.`)
      return answer
    } catch (error) {
      if (error.status === 401) signIn(error.message)
      else replace(note, errorNote(error))
      return null
    }
  }
}

/** Draw a link that can be copied, with further nodes after it. */
export function drawLink(id, label, link, ...further) {
  const field = h("input", { id, class: "share-link", readonly: true, value: link, onfocus: () => field.select() })
  const copy = async () => ((await copyText(link)) ? announce("Copied.") : field.select())
  return h("p", { class: "inline" }, h("label", { for: id }, label), field, h("button", { onclick: copy }, "Copy"), further)
}

/** A labeled control of a form. The control has an id. */
export function drawField(name, control) {
  return h("div", { class: "field" }, h("label", { for: control.id }, name), control)
}

/** The bar of a share of 0 to 1; more is drawn as 1. */
export function drawBar(share, properties = { class: "bar" }) {
  const bar = h("span", properties)
  bar.style.setProperty("--share", `${Math.min(share, 1) * 100}%`)
  return bar
}

/** A note with a secret that is shown once, and a button that copies it. `about` is the content of the line above it. */
export function drawSecret(secret, ...about) {
  const copy = async (event) => {
    event.target.textContent = (await copyText(secret)) ? "Copied" : "Select the text to copy it"
  }
  return h("div", { class: "note" },
    h("p", null, about),
    h("p", null, h("code", { class: "secret" }, secret), " ", h("button", { onclick: copy }, "Copy")))
}

/** Download a blob as a file. */
export function saveFile(blob, name) {
  const address = URL.createObjectURL(blob)
  h("a", { href: address, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(address), 60000)
}

// Parts of pages that several views share.

import { copyText, h } from "./dom.js"

/** A labelled control of a form. The control has an id. */
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

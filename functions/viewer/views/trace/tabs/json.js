// The Raw JSON tab: the log as the API returns it. A long log is truncated until the user requests all of it.

import { fetchText } from "../../../lib/api.js"
import { copyNamed, h, replace } from "../../../lib/dom.js"
import { saveFile } from "../../../lib/parts.js"

const MAX_SHOWN = 200_000
const MIB = 1024 * 1024

export async function drawJson(panel, { trace: { log }, path }) {
  const text = path === null ? JSON.stringify(log) : await fetchText(path) // a scored response has no address
  const box = h("div")
  const download = h("button", { onclick: () => saveFile(new Blob([text], { type: "application/json" }), `${log.request_id}.json`) }, `Download (${(text.length / MIB).toFixed(2)} MiB)`)
  const copy = h("button", {
    onclick: async () => (copy.textContent = await copyNamed("log", text)),
  }, "Copy")
  const showAll = h("button", { onclick: () => replace(box, drawText(text)) }, "Show all")
  replace(panel, h("p", { class: "buttons" }, download, " ", copy), box)
  if (text.length <= MAX_SHOWN) replace(box, drawText(text))
  else replace(box, drawText(text.slice(0, MAX_SHOWN), false), h("p", null, "Truncated. ", showAll))
}

function drawText(text, isWhole = true) {
  return h("pre", { class: "json", tabindex: "0" }, isWhole ? JSON.stringify(JSON.parse(text), null, 2) : text)
}

// The form to choose two requests.

import { api } from "../../lib/api.js"
import { h, replace } from "../../lib/dom.js"
import { formatTime } from "../../lib/format.js"

export const SIDES = [{ name: "a", letter: "A" }, { name: "b", letter: "B" }]
const SUGGESTIONS = 50
const LABEL_LENGTH = 80

/** Draw the form. Submitting it or swapping the ids calls `open(a, b)`. */
export function drawForm(ids, open, signal) {
  const fields = SIDES.map((side, index) =>
    h("input", {
      id: `compare-${side.name}`, name: side.name, value: ids[index], list: "latest-requests",
      required: true, maxlength: 512, autocomplete: "off", spellcheck: "false",
    }))
  const latest = h("datalist", { id: "latest-requests" })
  suggest(latest, signal)
  const read = () => fields.map((field) => field.value)
  const submit = (event) => {
    event.preventDefault()
    open(...read())
  }
  return h("form", { class: "compare-form", onsubmit: submit },
    SIDES.map((side, index) => h("div", { class: "field" },
      h("label", { for: `compare-${side.name}` }, h("strong", { class: "side" }, side.letter), " Request"), fields[index])),
    h("button", { class: "primary" }, "Compare"),
    h("button", { type: "button", onclick: () => swap(fields, read, open) }, "Swap"),
    latest)
}

function swap(fields, read, open) {
  const [a, b] = read()
  fields[0].value = b
  fields[1].value = a
  if (a && b) open(b, a)
}

// Suggestions are optional: without them, the user can still type an id.
async function suggest(list, signal) {
  try {
    const { data } = await api("/logs", { query: { limit: SUGGESTIONS }, signal })
    replace(list, data.map((one) => h("option", { value: one.request_id }, describe(one))))
  } catch {
    replace(list)
  }
}

function describe(row) {
  const text = (row.final_text ?? "").replace(/\s+/g, " ").slice(0, LABEL_LENGTH)
  return [formatTime(row.created_ts), row.active_mod, text].filter(Boolean).join(" · ")
}

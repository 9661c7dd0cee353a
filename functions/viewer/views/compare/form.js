// The form to choose two to four requests, with suggestions: those with the same prompt, and the latest ones.

import { api, confidencePath } from "../../lib/api.js"
import { drawForm, h, replace } from "../../lib/dom.js"
import { formatProbability, formatTime } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"

export const LETTERS = ["A", "B", "C", "D"]
const SUGGESTIONS = 50
const SHOWN_PEERS = 6
const LABEL_LENGTH = 80

/** Draw the form. Submitting it, swapping the first two ids, and a suggestion call `open(ids)`. */
export function drawChoice(ids, open, signal) {
  const latest = h("datalist", { id: "latest-requests" })
  const list = h("div", { class: "fields" })
  const peers = h("div", { class: "peers" })
  const fields = []
  const more = h("button", { type: "button", onclick: () => add("", { focuses: true }) }, "Add another")
  const add = (id, { focuses = false } = {}) => {
    const letter = LETTERS[fields.length]
    const name = `compare-${letter.toLowerCase()}`
    const field = h("input", { id: name, name: letter.toLowerCase(), value: id, list: latest.id, required: fields.length < 2, maxlength: 512, autocomplete: "off", spellcheck: "false" })
    fields.push(field)
    list.append(h("div", { class: "field" }, h("label", { for: name }, h("strong", { class: "side" }, letter), " Request"), field))
    more.hidden = fields.length === LETTERS.length
    if (focuses) field.focus()
  }
  const submit = () => open(fields.map((field) => field.value.trim()).filter(Boolean))
  const swap = () => {
    const [a, b, ...rest] = fields.map((field) => field.value)
    fields[0].value = b
    fields[1].value = a
    if (a && b) open([b, a, ...rest.filter(Boolean)])
  }
  for (const id of ids.length < 2 ? [ids[0] ?? "", ""] : ids) add(id)
  suggest(latest, signal)
  if (ids[0]) suggestPeers(peers, ids, open, signal)
  return drawForm({ class: "compare-form" }, submit, list,
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Compare"), h("button", { type: "button", onclick: swap }, "Swap"), more),
    latest, peers)
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

/** Suggest the requests with the prompt of the first one. */
async function suggestPeers(box, ids, open, signal) {
  try {
    const { same_prompt: found } = await api(confidencePath(ids[0], "/peers"), { signal })
    const others = found.filter((one) => !ids.includes(one.request_id)).slice(0, SHOWN_PEERS)
    if (!others.length) return
    const next = (id) => (ids.length < LETTERS.length ? [...ids, id] : [...ids.slice(0, -1), id])
    replace(box, h("span", { class: "faint" }, `Same prompt as ${LETTERS[0]}:`),
      others.map((one) => h("button", { type: "button", title: describe({ ...one, final_text: one.text }), onclick: () => open(next(one.request_id)) },
        h("span", { class: "name" }, one.request_id),
        h("span", { class: "faint" }, ` ${[one.active_mod && nameMod(one.active_mod), one.sequence_confidence === null ? null : formatProbability(one.sequence_confidence)].filter(Boolean).join(", ")}`))))
  } catch {
    replace(box)
  }
}

function describe(row) {
  const text = (row.final_text ?? "").replace(/\s+/g, " ").slice(0, LABEL_LENGTH)
  return [formatTime(row.created_ts), row.active_mod && nameMod(row.active_mod), text].filter(Boolean).join(" · ")
}

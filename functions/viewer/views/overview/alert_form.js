// The form that creates an alert. The server checks all values and has the defaults.

import { drawForm, h } from "../../lib/dom.js"
import { drawField } from "../../lib/parts.js"
import { SCORES } from "./scores.js"

/** The event that each kind of alert reports. */
export const KINDS = {
  threshold: "one uncertain request",
  exception: "a failed request",
  rate: "many uncertain requests",
  drift: "a changed distribution",
  change: "a changed model",
  silence: "no requests",
}
const FIELDS = {
  threshold: ["score", "threshold"],
  exception: [],
  rate: ["score", "threshold", "share", "window"],
  drift: ["score", "window"],
  change: ["window"],
  silence: ["window"],
}
const WINDOWS = { 600: "10 minutes", 3600: "1 hour", 21600: "6 hours", 86400: "1 day" }
const NUMBERS = ["threshold", "share", "window_s"]

/** Draw the form, closed. `create(body)` posts the alert and shows errors. */
export function drawNewAlert(create) {
  const options = (named, chosen) => Object.entries(named).map(([value, text]) => h("option", { value, selected: value === chosen }, text))
  const scores = Object.fromEntries(Object.entries(SCORES).map(([name, one]) => [name, one.title]))
  const fields = {
    score: drawField("Score", h("select", { id: "alert-score", name: "score" }, options(scores, "sequence_confidence"))),
    threshold: drawField("Threshold", h("input", { id: "alert-threshold", name: "threshold", type: "number", step: "any", value: "0.2", required: true })),
    share: drawField("Share of requests", h("input", { id: "alert-share", name: "share", type: "number", step: "any", min: 0.001, max: 1, value: "0.1", required: true })),
    window: drawField("Window", h("select", { id: "alert-window", name: "window_s" }, options(WINDOWS, "3600"))),
  }
  const prompt = h("label", { class: "check" }, h("input", { type: "checkbox", name: "include_prompt" }), " Send the prompt")
  const select = h("select", { id: "alert-kind", name: "kind", onchange: () => choose(select.value) }, options(KINDS, "threshold"))
  const choose = (kind) => {
    for (const [name, one] of Object.entries(fields)) disable(one, !FIELDS[kind].includes(name))
    disable(prompt, kind !== "threshold" && kind !== "exception")
  }
  choose("threshold")
  const form = drawForm({ class: "filters" }, (given) => create(readBody(new FormData(given))),
    drawField("Name", h("input", { id: "alert-name", name: "name", required: true, maxlength: 200 })),
    drawField("Alert on", select), Object.values(fields),
    drawField("Model", h("input", { id: "alert-model", name: "model", maxlength: 500, list: "overview-models" })),
    drawField("Webhook URL", h("input", { id: "alert-url", name: "url", type: "url", required: true, maxlength: 2000, placeholder: "https://" })),
    prompt, h("button", { class: "primary" }, "Create alert"))
  return h("details", null, h("summary", null, "New alert"), form)
}

// A disabled control is not part of the form's data.
function disable(part, isDisabled) {
  part.hidden = isDisabled
  for (const control of part.querySelectorAll("input, select")) control.disabled = isDisabled
}

function readBody(given) {
  const set = [...given].filter(([, value]) => value !== "")
  const body = Object.fromEntries(set.map(([name, value]) => [name, NUMBERS.includes(name) ? Number(value) : value]))
  if (body.include_prompt) body.include_prompt = true
  return body
}

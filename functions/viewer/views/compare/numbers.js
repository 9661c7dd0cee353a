// A summary table of two requests: scores and settings, with their differences.

import { h } from "../../lib/dom.js"
import { formatCount, formatNats, formatProbability, formatTime, UNKNOWN } from "../../lib/format.js"

const PROMPT_LENGTH = 200

/** Draw the table. */
export function drawNumbers(a, b) {
  const links = [a, b].map(({ id }) => h("a", { href: `/view/${encodeURIComponent(id)}` }, id))
  return h("section", { class: "numbers", "aria-labelledby": "numbers" },
    h("h2", { id: "numbers" }, "Summary"),
    h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Summary" }, h("table", null,
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Request"),
        links.map((link, index) => h("th", { scope: "col" }, h("span", { class: "side" }, "AB"[index]), " ", link)), h("th", { scope: "col" }, "Difference"))),
      h("tbody", null, [...listOutcome(a, b), ...listSettings(a, b)].filter(isKnown).map(drawRow)))))
}

// Leave out rows that are unknown for both requests.
function isKnown([, one, other]) {
  return one !== UNKNOWN || other !== UNKNOWN
}

function drawRow([name, one, other, difference]) {
  return h("tr", { class: difference === "same" ? "is-same" : null }, h("th", { scope: "row" }, name), h("td", null, one), h("td", null, other), h("td", null, difference))
}

function listOutcome(a, b) {
  const points = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value * 100).toFixed(1)} points`
  const nats = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`
  const count = (value) => `${value > 0 ? "+" : "−"}${formatCount(Math.abs(value))}`
  const confidence = ({ log }) => formatProbability(log.sequence_confidence, { isBound: log.sequence_confidence_is_bound === true })
  const forced = ({ tokens }) => tokens.filter((token) => token.forced).length
  return [
    // The difference between two bounds is unknown.
    measure("Confidence", a, b, ({ log }) => (log.sequence_confidence_is_bound ? null : log.sequence_confidence), points, confidence),
    measure("Least confident window", a, b, ({ log }) => log.lowest_group_confidence, nats, ({ log }) => formatNats(log.lowest_group_confidence)),
    measure("Tokens", a, b, ({ tokens }) => tokens.length, count),
    measure("… forced by mods", a, b, forced, count),
    measure("Discarded tokens", a, b, ({ discarded }) => discarded, count),
  ]
}

function listSettings(a, b) {
  const plain = (name, read) => compare(name, read(a), read(b))
  return [
    plain("Model", ({ log }) => log.model_id),
    plain("Mod", ({ log }) => log.active_mod?.name ?? "none"),
    plain("Temperature", (trace) => readSetting(trace, "temperature")),
    plain("Top-p", (trace) => readSetting(trace, "top_p")),
    plain("Top-k", (trace) => readSetting(trace, "top_k")),
    plain("Max steps", ({ log }) => log.max_steps),
    plain("System prompt", ({ log }) => log.system_prompt ?? "none"),
    plain("User prompt", ({ log }) => log.user_prompt ?? "none"),
    plain("Created", ({ log }) => formatTime(log.created_ts)),
  ]
}

function measure(name, a, b, read, format, show = (trace) => formatCount(read(trace))) {
  const [one, other] = [read(a), read(b)]
  const areBoth = typeof one === "number" && typeof other === "number"
  return [name, show(a), show(b), !areBoth ? UNKNOWN : one === other ? "same" : format(other - one)]
}

function compare(name, one, other) {
  return [name, shorten(one), shorten(other), one === other ? "same" : "differs"]
}

function shorten(value) {
  const text = String(value ?? UNKNOWN)
  return text.length > PROMPT_LENGTH ? `${text.slice(0, PROMPT_LENGTH)}…` : text
}

// Read a setting from the first token that has it; a sampler's settings do not change within a request.
function readSetting({ log }, name) {
  return log.steps.find((step) => step[name] !== null)?.[name] ?? null
}

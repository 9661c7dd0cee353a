// A summary table of two to four requests: scores and settings, with the differences from the first one.

import { viewPath } from "../../lib/api.js"
import { drawName, h } from "../../lib/dom.js"
import { formatChange, formatCount, formatNats, formatProbability, formatTime, UNKNOWN } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"
import { drawTable, drawWide } from "../../lib/parts.js"

const PROMPT_LENGTH = 200

/** Draw the table. */
export function drawNumbers(traces) {
  const [first, ...others] = traces
  const head = (trace) => h("th", { scope: "col" }, h("span", { class: "side" }, trace.letter), " ", h("a", { href: viewPath(trace.id) }, drawName(trace.id)))
  const difference = (trace) => h("th", { scope: "col" }, others.length > 1 ? `${trace.letter} compared with ${first.letter}` : "Difference")
  return h("section", { class: "numbers", "aria-labelledby": "numbers" },
    h("h2", { id: "numbers" }, "Summary"),
    drawWide("Summary", drawTable(
      { heads: ["Request", head(first), ...others.flatMap((trace) => [head(trace), difference(trace)])] },
      [...listOutcome(), ...listSettings(traces)].map((row) => drawRow(row, traces)))))
}

// Leave out rows that are unknown for all requests.
function drawRow({ name, show, differ }, [first, ...others]) {
  const differences = others.map((trace) => differ(first, trace))
  if ([first, ...others].every((trace) => show(trace) === UNKNOWN)) return null
  return h("tr", { class: differences.every((text) => text === "same") ? "is-same" : null }, h("th", { scope: "row" }, name), h("td", null, show(first)),
    others.map((trace, index) => [h("td", null, show(trace)), h("td", { class: differences[index] === "same" ? "difference" : "difference is-known" }, differences[index])]))
}

function listOutcome() {
  const points = (value) => formatChange(value, (size) => `${(size * 100).toFixed(1)} points`)
  const nats = (value) => formatChange(value, (size) => size.toFixed(2))
  const count = (value) => formatChange(value, formatCount)
  const confidence = ({ log }) => formatProbability(log.sequence_confidence, { isBound: log.sequence_confidence_is_bound === true })
  return [
    measure("Confidence", ({ log }) => log.sequence_confidence, points, confidence, ({ log }) => log.sequence_confidence_is_bound === true),
    measure("Least confident window", ({ log }) => log.lowest_group_confidence, nats, ({ log }) => formatNats(log.lowest_group_confidence)),
    measure("Tokens", ({ tokens }) => tokens.length, count),
    measure("… forced by mods", ({ tokens }) => tokens.filter((token) => token.forced).length, count),
    measure("Discarded tokens", ({ discarded }) => discarded, count),
  ]
}

function listSettings(traces) {
  const known = ["temperature", "top_p", "top_k"]
  const further = [...new Set(traces.flatMap(({ log }) => Object.keys(log.sampling ?? {})))].filter((name) => !known.includes(name) && name !== "max_tokens")
  return [
    compare("Model", ({ log }) => log.model_id),
    compare("Mod", ({ log }) => (log.active_mod ? nameMod(log.active_mod.name) : "none")),
    compare("Temperature", (trace) => readSetting(trace, "temperature")),
    compare("Top-p", (trace) => readSetting(trace, "top_p")),
    compare("Top-k", (trace) => readSetting(trace, "top_k")),
    ...further.map((name) => compare(name, ({ log }) => log.sampling?.[name] ?? null)),
    compare("Max steps", ({ log }) => log.max_steps),
    compare("System prompt", ({ log }) => log.system_prompt ?? "none"),
    compare("User prompt", ({ log }) => log.user_prompt ?? "none"),
    compare("Created", ({ log }) => formatTime(log.created_ts)),
  ]
}

function measure(name, read, format, show = (trace) => formatCount(read(trace)), isBound = () => false) {
  const differ = (one, other) => {
    const [from, to] = [read(one), read(other)]
    if (typeof from !== "number" || typeof to !== "number") return describeOnly(one, other, from, to)
    // A bound is an upper one: the real value is at most the shown one.
    if (isBound(one) && isBound(other)) return "both are upper bounds"
    if (isBound(other)) return `≤ ${format(to - from)}`
    if (isBound(one)) return `≥ ${format(to - from)}`
    return from === to ? "same" : format(to - from)
  }
  return { name, show, differ }
}

function compare(name, read) {
  const differ = (one, other) => {
    const [from, to] = [read(one), read(other)]
    return (from ?? null) === null || (to ?? null) === null ? describeOnly(one, other, from, to) : from === to ? "same" : "differs"
  }
  return { name, show: (trace) => shorten(read(trace)), differ }
}

function describeOnly(one, other, from, to) {
  if ((from ?? null) === (to ?? null)) return "same"
  return `only ${(from ?? null) === null ? other.letter : one.letter} has it`
}

function shorten(value) {
  const text = String(value ?? UNKNOWN)
  return text.length > PROMPT_LENGTH ? `${text.slice(0, PROMPT_LENGTH)}…` : text
}

// Read a setting from the first token that has it; a sampler's settings do not change within a request.
function readSetting({ log }, name) {
  return log.steps.find((step) => step[name] !== null)?.[name] ?? log.sampling?.[name] ?? null
}

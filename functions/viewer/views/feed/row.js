// One request in the feed: its prompt and answer, facts about it, latency, tokens, sparkline and confidence.

import { viewPath } from "../../lib/api.js"
import { h, hide } from "../../lib/dom.js"
import { formatAge, formatAmount, formatCount, formatDuration, formatProbability, formatTime, showControls } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"

const MAX_TEXT = 400
const QUOTE = "quote" // the usual source, so it is not shown
const ENDINGS = { length: "token limit reached", tool_calls: "ended with tool calls" }

let count = 0

/** Shorten the texts of a row of GET /logs, to save memory. */
export function keepRow(row) {
  return { ...row, final_text: shorten(row.final_text), prompt: shorten(row.prompt) }
}

function shorten(text) {
  return text && showControls(text.slice(0, MAX_TEXT * 2)).replace(/\s+/g, " ").trim().slice(0, MAX_TEXT)
}

/** Return a text that names a row. */
export function nameRow(row) {
  return row.final_text || row.prompt || row.request_id
}

/**
 * Draw a row as an article: drawRow(row, {course, isChosen, onChoose(row, event), badge, narrow(filter)}).
 *
 * `course` draws the sparkline. `narrow({tag})` returns the address of the feed with one more filter. `badge` is "new",
 * "replaced" or null.
 */
export function drawRow(row, { course, isChosen, onChoose, badge, narrow }) {
  const id = `request-${++count}`
  const text = row.final_text || "(no text)"
  const choose = h("input", { type: "checkbox", "aria-label": `Select: ${text.slice(0, 60)}`, onclick: (event) => onChoose(row, event) })
  choose.checked = isChosen
  const properties = { class: "request", "data-id": row.request_id, "aria-labelledby": id }
  return h("article", properties,
    h("label", { class: "choose", title: "Select (x)" }, choose),
    h("div", { class: "what" },
      h("div", { class: "texts" },
        row.prompt && h("p", { class: "prompt", "data-part": "prompt", dir: "auto" }, hide("Prompt: "), row.prompt),
        h("a", { class: "text", id, href: viewPath(row.request_id), dir: "auto" }, text)),
      h("p", { class: "meta" }, drawBadges(row, badge), drawMeta(row, narrow))),
    h("time", { "data-part": "time", datetime: row.created_ts, title: formatTime(row.created_ts) }, formatAge(row.created_ts)),
    drawNumber("latency", "Latency", row.latency_ms, formatDuration),
    drawNumber("tokens", "Tokens", row.tokens, formatCount),
    course.draw(row.group_confidence),
    drawConfidence(row))
}

function drawBadges(row, badge) {
  return [
    badge && h("strong", { class: "badge" }, badge),
    row.has_exception && h("strong", { class: "badge bad" }, row.ending === "error" && !row.final_text ? "failed" : "exception"),
    row.ending === "error" && h("strong", { class: "badge bad" }, "ended with an error"),
    row.outcome && h("strong", { class: `badge ${row.outcome}`, "data-part": "outcome" }, row.outcome === "correct" ? "✓ correct" : "✗ incorrect"),
  ]
}

function drawMeta(row, narrow) {
  const plain = (part, text, title) => text && h("span", { "data-part": part, title: title ?? text, dir: "auto" }, text)
  const ending = row.ending && row.ending !== "stop" && row.ending !== "error"
  return [
    plain("model", row.model_id),
    plain("id", row.request_id),
    ending && plain("ending", ENDINGS[row.ending] ?? row.ending),
    row.active_mod && h("a", { class: "mod", "data-part": "mod", title: row.active_mod, href: narrow({ mod: row.active_mod }) }, `mod ${nameMod(row.active_mod)}`),
    row.tags.map((tag) => h("a", { class: "tag", "data-part": "tags", title: tag, href: narrow({ tag }), "aria-label": `tag ${tag}` }, tag)),
    row.group_id && h("a", { "data-part": "group", title: row.group_id, href: narrow({ group_id: row.group_id }) }, `group ${row.group_id}`),
    row.source !== QUOTE && plain("source", row.source, "Source"),
    plain("user", row.user_api_key, "User"),
    drawCalibrated(row),
    row.discussion_count > 0 && plain("comments", formatAmount(row.discussion_count, "comment")),
  ]
}

function drawCalibrated({ p_correct: value, calibrator }) {
  if (value === null || value === undefined) return null
  const title = `Calibrated probability that the answer is correct (calibrator ${calibrator.id}, version ${calibrator.version})`
  return h("span", { class: "calibrated", "data-part": "p_correct", title }, `p_correct ${formatProbability(value)}`)
}

function drawNumber(part, label, value, format) {
  const known = value !== null && value !== undefined
  return h("div", { class: "amount", "data-part": part },
    h("span", { class: "label" }, `${label}: `), known ? format(value) : h("span", { class: "faint" }, hide("unknown"), h("span", { "aria-hidden": "true" }, "–")))
}

function drawConfidence(row) {
  const { sequence_confidence: value, sequence_confidence_is_bound: isBound } = row
  const isKnown = value !== null && value !== undefined
  const bar = h("span", { class: `bar${isBound ? " bar-bound" : ""}${isKnown ? "" : " scale-unknown"}`, "aria-hidden": "true" },
    isKnown && h("span", { class: "bar-part" }))
  bar.style.setProperty("--part", `${(value ?? 0) * 100}%`)
  const title = isBound
    ? "Upper bound of the confidence: some tokens were not in their top-k list"
    : "Confidence: the geometric mean of the token probabilities"
  return h("div", { class: "confidence", "data-part": "confidence", title },
    hide("Confidence: "),
    h("span", { class: "number" }, formatProbability(value, { isBound })), bar)
}

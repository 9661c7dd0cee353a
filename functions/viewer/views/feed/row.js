// One request in the feed: its answer, user, confidence and sparkline.

import { h } from "../../lib/dom.js"
import { formatAge, formatCount, formatProbability, formatTime } from "../../lib/format.js"

const MAX_TEXT = 400

let count = 0

/** Shorten the text of a row of GET /logs, to save memory. */
export function keepRow(row) {
  return { ...row, final_text: row.final_text?.slice(0, MAX_TEXT * 2).replace(/\s+/g, " ").trim().slice(0, MAX_TEXT) }
}

/** Return the address of a request's page. */
function viewPath(requestId) {
  return `/view/${encodeURIComponent(requestId)}`
}

/**
 * Draw a row as an article: drawRow(row, {course, isChosen, onChoose(row), badge, narrow(filter)}).
 *
 * `course` draws the sparkline. `narrow({tag})` returns the address of the feed with one more filter. `badge` is "new",
 * "replaced" or null.
 */
export function drawRow(row, { course, isChosen, onChoose, badge, narrow }) {
  const id = `request-${++count}`
  const text = row.final_text || "(no text)"
  const choose = h("input", { type: "checkbox", "aria-label": `Compare: ${text.slice(0, 60)}`, onchange: () => onChoose(row) })
  choose.checked = isChosen
  const properties = { class: "request", "data-id": row.request_id, "aria-labelledby": id }
  return h("article", properties,
    h("label", { class: "choose", title: "Select two to compare (x)" }, choose),
    h("div", { class: "what" },
      h("a", { class: "text", id, href: viewPath(row.request_id), dir: "auto" }, text),
      h("p", { class: "meta" }, badge && h("strong", { class: "badge" }, badge), drawMeta(row, narrow))),
    course.draw(row.group_confidence),
    drawConfidence(row))
}

function drawMeta(row, narrow) {
  const comments = row.discussion_count
  return [
    h("time", { datetime: row.created_ts, title: formatTime(row.created_ts) }, formatAge(row.created_ts)),
    row.model_id && h("span", { class: "model" }, row.model_id),
    h("span", { class: "source", title: "Source" }, row.source),
    row.group_id && h("a", { class: "group", href: narrow({ group_id: row.group_id }) }, `group ${row.group_id}`),
    row.user_api_key && h("span", { class: "user", title: "User" }, row.user_api_key),
    row.active_mod && h("a", { class: "mod", href: narrow({ mod: row.active_mod }) }, `mod ${row.active_mod}`),
    row.tags.map((tag) => h("a", { class: "tag", href: narrow({ tag }), "aria-label": `tag ${tag}` }, tag)),
    drawCalibrated(row),
    comments ? h("span", null, `${formatCount(comments)} comment${comments === 1 ? "" : "s"}`) : null,
  ]
}

function drawCalibrated({ p_correct: value, calibrator }) {
  if (value === null || value === undefined) return null
  const title = `Calibrated probability that the answer is correct (calibrator ${calibrator.id}, version ${calibrator.version})`
  return h("span", { class: "calibrated", title }, `p_correct ${formatProbability(value)}`)
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
  return h("div", { class: "confidence", title },
    h("span", { class: "visually-hidden" }, "Confidence: "),
    h("span", { class: "number" }, formatProbability(value, { isBound })), bar)
}

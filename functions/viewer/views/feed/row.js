// One request in the feed: what was answered, by whom, how sure the model was, and where it was least.

import { h } from "../../lib/dom.js"
import { formatAge, formatCount, formatProbability, formatTime } from "../../lib/format.js"

const MAX_TEXT = 400

let count = 0

/** What is kept of a row of GET /logs: of a long text its beginning. */
export function keepRow(row) {
  return { ...row, final_text: row.final_text?.slice(0, MAX_TEXT * 2).replace(/\s+/g, " ").trim().slice(0, MAX_TEXT) }
}

/** Where a request is shown. */
function viewPath(requestId) {
  return `/view/${encodeURIComponent(requestId)}`
}

/**
 * A row as an article: drawRow(row, {course, isChosen, onChoose(row), badge, narrow(filter)}).
 *
 * `course` draws its sparkline; `narrow({tag})` is the address of the feed with one more filter; `badge` says what just
 * happened to it.
 */
export function drawRow(row, { course, isChosen, onChoose, badge, narrow }) {
  const id = `request-${++count}`
  const text = row.final_text || "(no text)"
  const choose = h("input", { type: "checkbox", "aria-label": `Compare: ${text.slice(0, 60)}`, onchange: () => onChoose(row) })
  choose.checked = isChosen
  const properties = { class: "request", "data-id": row.request_id, "aria-labelledby": id }
  return h("article", properties,
    h("label", { class: "choose", title: "Choose two to compare (x)" }, choose),
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
    row.user_api_key && h("span", { class: "user", title: "The user whose request it is" }, row.user_api_key),
    row.active_mod && h("a", { class: "mod", href: narrow({ mod: row.active_mod }) }, `mod ${row.active_mod}`),
    row.tags.map((tag) => h("a", { class: "tag", href: narrow({ tag }), "aria-label": `tag ${tag}` }, tag)),
    comments ? h("span", null, `${formatCount(comments)} comment${comments === 1 ? "" : "s"}`) : null,
  ]
}

function drawConfidence(row) {
  const { sequence_confidence: value, sequence_confidence_is_bound: isBound } = row
  const isKnown = value !== null && value !== undefined
  const bar = h("span", { class: `bar${isBound ? " bar-bound" : ""}${isKnown ? "" : " scale-unknown"}`, "aria-hidden": "true" },
    isKnown && h("span", { class: "bar-part" }))
  bar.style.setProperty("--part", `${(value ?? 0) * 100}%`)
  const title = isBound
    ? "How sure the model was of its words on average, at most: some of them were not among its listed tokens"
    : "How sure the model was of its words on average"
  return h("div", { class: "confidence", title },
    h("span", { class: "visually-hidden" }, "How sure the model was: "),
    h("span", { class: "number" }, formatProbability(value, { isBound })), bar)
}

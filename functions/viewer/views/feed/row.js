// One request in the feed: what was answered, by whom, how sure the model was, and where it was least.

import { h, svg } from "../../lib/dom.js"
import { UNKNOWN, formatAge, formatCount, formatNats, formatProbability, formatTime } from "../../lib/format.js"

const MAX_TEXT = 400
const WIDTH = 128
const HEIGHT = 28
const EDGE = 3.5
// Nats from the top of a sparkline to its foot, the same for every row: what looks lower is lower.
const TOP = 14

let count = 0

/** What is kept of a row of GET /logs: of a long text its beginning. */
export function keepRow(row) {
  return { ...row, final_text: row.final_text?.slice(0, MAX_TEXT * 2).replace(/\s+/g, " ").trim().slice(0, MAX_TEXT) }
}

/** Where a request is shown. */
export function viewPath(requestId) {
  return `/view/${encodeURIComponent(requestId)}`
}

/**
 * A row as an article: drawRow(row, {isChosen, onChoose(row), badge, narrow(filter)}).
 *
 * `narrow({tag})` is the address of the feed with one more filter; `badge` says what just happened to it.
 */
export function drawRow(row, { isChosen, onChoose, badge, narrow }) {
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
    drawSparkline(row),
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

function drawSparkline(row) {
  const values = row.group_confidence
  if (!values?.length) return h("div", { class: "course" }, h("span", { class: "visually-hidden" }, `Course of group confidence: ${UNKNOWN}`))
  const lowest = Math.min(...values)
  const label = `Group confidence from beginning to end; lowest ${formatNats(lowest)}${tellPlace(values, lowest)}`
  const points = values.map((value, i) => [
    values.length === 1 ? WIDTH / 2 : EDGE + (i * (WIDTH - 2 * EDGE)) / (values.length - 1),
    EDGE + (1 - Math.min(value / TOP, 1)) * (HEIGHT - 2 * EDGE),
  ])
  const line = values.length === 1 ? [[EDGE, points[0][1]], [WIDTH - EDGE, points[0][1]]] : points
  const [x, y] = points[values.indexOf(lowest)]
  return h("div", { class: "course", title: label },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
      svg("path", { class: "course-foot", d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }),
      svg("path", { class: "course-line", d: `M${line.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join("L")}` }),
      svg("circle", { class: "course-lowest", cx: x.toFixed(1), cy: y.toFixed(1), r: 3 })),
    h("span", { class: "number faint", "aria-hidden": "true" }, lowest.toFixed(1)))
}

function tellPlace(values, lowest) {
  if (values.length < 4) return ""
  const part = values.indexOf(lowest) / (values.length - 1)
  return part < 1 / 3 ? ", near the beginning" : part > 2 / 3 ? ", near the end" : ", in the middle"
}

// Sparklines of group confidence. All sparklines of a list share one scale, so that their heights can be compared.

import { h, hide, svg } from "../../lib/dom.js"
import { UNKNOWN, formatNats } from "../../lib/format.js"

const WIDTH = 128
const EDGE = 4
const MARGIN_NATS = 0.5

/**
 * Make the sparklines of one list: {draw(values), widen(rows, element)}.
 *
 * Values are in nats. `widen` extends the scale to the values of these rows and rescales the sparklines in `element`.
 */
export function makeCourses() {
  let low = Infinity
  let high = -Infinity
  const frame = () => `0 ${-high - MARGIN_NATS} ${WIDTH} ${high - low + 2 * MARGIN_NATS}`
  return {
    draw: (values) => (values?.length ? drawCourse(values, frame()) : drawNone()),
    widen(rows, element) {
      const values = rows.flatMap((row) => row.group_confidence ?? [])
      const [lower, higher] = [Math.floor(Math.min(low, ...values)), Math.ceil(Math.max(high, ...values))]
      if (!values.length || (lower === low && higher === high)) return
      low = lower
      high = higher
      for (const one of element.querySelectorAll(".course svg")) one.setAttribute("viewBox", frame())
    },
  }
}

function drawCourse(values, viewBox) {
  const lowest = Math.min(...values)
  const label = `Group confidence along the text: lowest ${formatNats(lowest)}${describePosition(values, lowest)}`
  const xOf = (i) => (values.length === 1 ? WIDTH / 2 : EDGE + (i * (WIDTH - 2 * EDGE)) / (values.length - 1))
  const points = values.map((value, i) => `${xOf(i).toFixed(1)} ${(-value).toFixed(3)}`)
  const line = values.length === 1 ? `M${EDGE} ${-lowest}H${WIDTH - EDGE}` : `M${points.join("L")}`
  const dot = `M${points[values.indexOf(lowest)]}h0`
  return h("div", { class: "course", "data-part": "curve", title: label },
    svg("svg", { viewBox, preserveAspectRatio: "none", role: "img", "aria-label": label },
      svg("path", { class: "course-line", d: line }),
      svg("path", { class: "course-edge", d: dot }),
      svg("path", { class: "course-lowest", d: dot })),
    h("span", { class: "number faint", "aria-hidden": "true" }, lowest.toFixed(1)))
}

function drawNone() {
  return h("div", { class: "course", "data-part": "curve" }, hide(`Group confidence: ${UNKNOWN}`))
}

function describePosition(values, lowest) {
  if (values.length < 4) return ""
  const part = values.indexOf(lowest) / (values.length - 1)
  return part < 1 / 3 ? ", near the beginning" : part > 2 / 3 ? ", near the end" : ", in the middle"
}

// A chart of token and group confidence along the text, with marks for interventions. A click selects the token.

import { drawChart, makeAxis, makeLine, readPixelRatio } from "../../lib/chart.js"
import { h } from "../../lib/dom.js"
import { formatAmount, formatNats } from "../../lib/format.js"
import { nameSpan } from "./head.js"

const HEIGHT = 200
/** With more tokens or marks than this, full-strength lines would hide each other. */
const MANY_TOKENS = 1000
const MANY_MARKS = 60
const SIGNS = { forced: "⚑", discarded: "⌫", adjusted: "±" }

/** Draw the chart: {element, select(index)}. A click calls `onPick(index)` with the index of the token. */
export function drawCourse(trace, { signal, onPick }) {
  const marks = findMarks(trace.tokens)
  let plot = null
  let selected = null
  const element = drawChart({
    label: describe(trace, marks),
    height: HEIGHT,
    signal,
    make: (colors) => ({
      data: [
        trace.tokens.map((token) => token.index),
        trace.tokens.map((token) => token.confidence),
        trace.tokens.map((token) => token.group),
      ],
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.floor(low ?? 0), Math.ceil((high ?? 11) + 1)] } },
      axes: [
        makeAxis(colors, { values: (_, splits) => splits.map((index) => (Number.isInteger(index) ? index + 1 : "")) }),
        makeAxis(colors, { label: "confidence, nats", labelSize: 18, size: 40 }),
      ],
      series: [{}, { ...makeLine(colors, 1), width: 1, dash: [], alpha: trace.tokens.length > MANY_TOKENS ? 0.35 : 1 }, { ...makeLine(colors, 0), width: 3, spanGaps: true }],
      cursor: { drag: { x: false, y: false, click: () => {} }, points: { show: false } },
      hooks: {
        ready: [(ready) => {
          plot = ready
          ready.over.addEventListener("click", () => onPick(Math.round(ready.posToVal(ready.cursor.left, "x"))))
        }],
        drawClear: [(drawn) => shade(drawn, trace.lowest, colors)],
        draw: [(drawn) => drawMarks(drawn, marks, colors), (drawn) => drawSelected(drawn, selected, colors)],
      },
    }),
  })
  const select = (index) => {
    selected = index
    plot?.redraw(false)
  }
  return { element: h("figure", { class: "trace-course" }, element, drawKey(marks)), select }
}

function findMarks(tokens) {
  const kindOf = (token) => (token.startsRun ? "forced" : token.discarded ? "discarded" : token.adjusted && !token.forced ? "adjusted" : null)
  const marks = []
  tokens.forEach((token, index) => {
    const kind = kindOf(token)
    const goesOn = kind !== "forced" && index > 0 && kindOf(tokens[index - 1]) === kind
    if (kind && !goesOn) marks.push({ index, kind })
  })
  return marks
}

function describe(trace, marks) {
  const lowest = trace.lowest
  const where = lowest ? `The least confident window, ${nameSpan(lowest)}, has ${formatNats(lowest.confidence)}.` : "No window has a confidence."
  return `Token and group confidence of ${formatAmount(trace.tokens.length, "token")}. ${where} Mods intervened ${formatAmount(marks.length, "time")}.`
}

function shade(plot, lowest, colors) {
  if (!lowest) return
  const { ctx, bbox } = plot
  const [left, right] = [lowest.first - 0.5, lowest.last + 0.5].map((edge) => plot.valToPos(edge, "x", true))
  ctx.save()
  ctx.fillStyle = colors.edge
  ctx.globalAlpha = 0.22
  ctx.fillRect(left, bbox.top, right - left, bbox.height)
  ctx.restore()
}

function drawMarks(plot, marks, colors) {
  const { ctx, bbox } = plot
  const ratio = readPixelRatio()
  ctx.save()
  ctx.strokeStyle = ctx.fillStyle = colors.ink
  ctx.font = `${12 * ratio}px sans-serif`
  ctx.textAlign = "center"
  let free = -Infinity
  const reach = marks.length > MANY_MARKS ? { top: bbox.top, height: 16 * ratio } : bbox
  for (const { index, kind } of marks) {
    const x = plot.valToPos(index, "x", true)
    ctx.globalAlpha = 0.5
    drawLine(ctx, x, reach, [2 * ratio, 3 * ratio])
    ctx.globalAlpha = 1
    if (x < free) continue  // overlapping signs are unreadable
    ctx.fillText(SIGNS[kind], x, bbox.top + 12 * ratio)
    free = x + 12 * ratio
  }
  ctx.restore()
}

function drawSelected(plot, index, colors) {
  if (index === null) return
  plot.ctx.save()
  plot.ctx.strokeStyle = colors.ink
  plot.ctx.lineWidth = 2 * readPixelRatio()
  drawLine(plot.ctx, plot.valToPos(index, "x", true), plot.bbox, [])
  plot.ctx.restore()
}

function drawLine(ctx, x, { top, height }, dash) {
  ctx.setLineDash(dash)
  ctx.beginPath()
  ctx.moveTo(x, top)
  ctx.lineTo(x, top + height)
  ctx.stroke()
}

function drawKey(marks) {
  const names = { forced: "forced", discarded: "discarded", adjusted: "logits adjusted" }
  const kinds = Object.keys(names).filter((kind) => marks.some((mark) => mark.kind === kind))
  return h("figcaption", { class: "key" },
    h("span", { class: "line-token" }, "token confidence"),
    h("span", { class: "line-group" }, "group confidence (mean of up to 32 sampled tokens; lower is less confident)"),
    h("span", { class: "line-lowest" }, "least confident window"),
    kinds.map((kind) => h("span", null, `${SIGNS[kind]} ${names[kind]}`)))
}

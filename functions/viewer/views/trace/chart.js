// A chart of token and group confidence along the text, with marks for interventions. A click selects the token, a drag
// zooms, and the chart follows the visible part of the text.

import { addMouse, drawChart, makeAxis, makeLine, readPixelRatio } from "../../lib/chart.js"
import { h, replace } from "../../lib/dom.js"
import { formatAmount, formatNats } from "../../lib/format.js"
import { nameLowest, nameSpan } from "./lowest.js"

const HEIGHT = 180
/** With more tokens or marks than this, full-strength lines would hide each other. */
const MANY_TOKENS = 1000
const MANY_MARKS = 60
const SIGNS = { forced: "⚑", discarded: "⌫", adjusted: "±" }

/**
 * Draw the chart: {element, select(index), follow(first, last), redraw(), toBlob()}.
 *
 * A click calls `onPick(index)` with the index of the token, a drag `onZoom(index)` with the first token of the range.
 * `controls` is an element for the line below the chart.
 */
export function drawCourse(trace, { signal, controls, onPick, onZoom }) {
  const marks = findMarks(trace.tokens)
  const view = { selected: null, visible: null, zoom: null, plot: null, colors: null }
  const last = trace.tokens.length - 1
  const key = h("figcaption", { class: "key" })
  const chart = drawChart({
    label: describe(trace, marks),
    height: HEIGHT,
    signal,
    make: (colors) => ({ data: listData(trace), ...makeOptions(trace, marks, colors, view) }),
  })
  const place = h("span", { class: "range" })
  const reset = h("div", { class: "zoom", hidden: true }, place, h("button", { class: "quiet", onclick: () => zoomTo(null) }, "Show the whole text"))
  const zoomTo = (range) => {
    view.zoom = range
    reset.hidden = range === null
    if (range) place.textContent = `Tokens ${range.min + 1} to ${range.max + 1}`
    view.plot?.setScale("x", range ?? { min: 0, max: last })
  }
  view.onZoom = (isZoomed, [min, max] = []) => {
    view.plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
    if (!isZoomed) return zoomTo(null)
    const range = { min: Math.max(0, Math.floor(min)), max: Math.min(last, Math.ceil(max)) }
    if (range.max - range.min < 2) return
    zoomTo(range)
    onZoom(range.min)
  }
  view.onClick = (index) => onPick(Math.min(Math.max(index, 0), last))
  replace(key, drawKey(trace, marks))
  return {
    element: h("figure", { class: "trace-course" }, chart, h("div", { class: "course-foot" }, key, reset, controls)),
    select: (index) => {
      view.selected = index
      view.plot?.redraw(false)
    },
    /** Mark the visible part of the text, and move the zoomed range if that part left it. */
    follow: (first, end) => {
      view.visible = first > 0 || end < last ? [first, end] : null
      const width = view.zoom && view.zoom.max - view.zoom.min
      const isOutside = view.zoom && (end < view.zoom.min || first > view.zoom.max)
      if (isOutside) {
        const min = Math.min(Math.max(0, Math.round((first + end - width) / 2)), last - width)
        zoomTo({ min, max: min + width })
      } else view.plot?.redraw(false)
    },
    redraw: () => {
      chart.setAttribute("aria-label", describe(trace, marks))
      replace(key, drawKey(trace, marks))
      view.plot?.setData(listData(trace), false)
      view.plot?.redraw()
    },
    toBlob: () => paintOnPage(view.plot.ctx.canvas, view.colors.back),
  }
}

function listData({ tokens }) {
  return [tokens.map((token) => token.index), tokens.map((token) => token.confidence), tokens.map((token) => token.group)]
}

function makeOptions(trace, marks, colors, view) {
  view.colors = colors
  const alpha = trace.tokens.length > MANY_TOKENS ? 0.35 : 1
  const options = {
    scales: { x: { time: false }, y: { range: (_, low, high) => [Math.floor(low ?? 0), Math.ceil((high ?? 11) + 1)] } },
    axes: [
      makeAxis(colors, { values: (_, splits) => splits.map((index) => (Number.isInteger(index) ? index + 1 : "")) }),
      makeAxis(colors, { label: "confidence, nats", labelSize: 18, size: 40 }),
    ],
    series: [{}, { ...makeLine(colors, 1), width: 1, dash: [], alpha }, { ...makeLine(colors, 0), width: 3, spanGaps: true }],
    hooks: {
      ready: [(plot) => {
        view.plot = plot
        if (view.zoom) plot.setScale("x", view.zoom)
      }],
      drawClear: [(plot) => shade(plot, trace.lowest, colors)],
      draw: [(plot) => drawMarks(plot, marks, colors), (plot) => drawVisible(plot, view.visible, colors), (plot) => drawSelected(plot, view.selected, colors)],
    },
  }
  return addMouse(options, { zooms: "select", onPick: (value) => view.onClick(Math.round(value)), onZoom: view.onZoom })
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
  const { lowest } = trace
  const confidence = lowest?.confidence === null || !lowest ? "" : `, ${formatNats(lowest.confidence)}`
  const where = lowest ? `${nameLowest(trace)}: ${nameSpan(lowest)}${confidence}.` : "No token has a confidence."
  return `Token and group confidence of ${formatAmount(trace.tokens.length, "token")}. ${where} Mods intervened ${formatAmount(marks.length, "time")}.`
}

function shade(plot, lowest, colors) {
  if (!lowest) return
  fillRange(plot, [lowest.first, lowest.last], plot.bbox, colors.edge, 0.22)
}

// A bar along the lower edge.
function drawVisible(plot, visible, colors) {
  if (!visible) return
  const height = 5 * readPixelRatio()
  fillRange(plot, visible, { top: plot.bbox.top + plot.bbox.height - height, height }, colors.accent, 0.9)
}

function fillRange(plot, [first, last], { top, height }, color, alpha) {
  const { ctx, bbox } = plot
  const [left, right] = [first - 0.5, last + 0.5].map((edge) => Math.min(Math.max(plot.valToPos(edge, "x", true), bbox.left), bbox.left + bbox.width))
  ctx.save()
  ctx.fillStyle = color
  ctx.globalAlpha = alpha
  ctx.fillRect(left, top, right - left, height)
  ctx.restore()
}

function drawMarks(plot, marks, colors) {
  const { ctx, bbox } = plot
  const ratio = readPixelRatio()
  const { min, max } = plot.scales.x
  ctx.save()
  ctx.strokeStyle = ctx.fillStyle = colors.ink
  ctx.font = `${12 * ratio}px sans-serif`
  ctx.textAlign = "center"
  let free = -Infinity
  const reach = marks.length > MANY_MARKS ? { top: bbox.top, height: 16 * ratio } : bbox
  for (const { index, kind } of marks) {
    if (index < min || index > max) continue
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
  if (index === null || index < plot.scales.x.min || index > plot.scales.x.max) return
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

function drawKey(trace, marks) {
  const names = { forced: "forced", discarded: "discarded", adjusted: "logits adjusted" }
  const kinds = Object.keys(names).filter((kind) => marks.some((mark) => mark.kind === kind))
  return [
    h("span", { class: "line-token" }, "token confidence"),
    trace.width > 1 ? h("span", { class: "line-group" }, `group confidence: mean of ${trace.width} sampled tokens`) : null,
    trace.lowest ? h("span", { class: "line-lowest" }, nameLowest(trace).toLowerCase()) : null,
    kinds.map((kind) => h("span", null, `${SIGNS[kind]} ${names[kind]}`)),
    h("span", null, "Drag to zoom; click to pin."),
  ]
}

// The chart is transparent; an image of it needs the color of the page.
function paintOnPage(source, color) {
  const canvas = h("canvas", { width: source.width, height: source.height })
  const context = canvas.getContext("2d")
  context.fillStyle = color
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(source, 0, 0)
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"))
}

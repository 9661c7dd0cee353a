// Charts with uPlot. They resize with their container, follow the theme and distinguish lines by color, dash and marker.

import uPlot from "../vendor/uplot/uPlot.js"
import { h, svg } from "./dom.js"
import { readZone } from "./format.js"

const COLORS = ["ink", "faint", "line", "edge", "accent", "back"]
/** The number of lines that can be distinguished; line n has the color --series-n. */
export const MAX_LINES = 6
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [14, 4]]
const MARKER_RADIUS = 4
const MARKERS = [polygon(16), polygon(4, 0.125), polygon(3, -0.25), polygon(4), polygon(3, 0.25), polygon(5, -0.25)]

/**
 * Draw a chart; `label` is its text alternative.
 *
 *   make(colors)     returns uPlot's {data, …options}; called again when the theme changes
 *   onPick(x, plot)  follows a click at a value of the x axis
 *
 * If `zooms` is set, a drag zooms in, and a double click or the button shows everything again.
 */
export function drawChart({ label, height = 220, make, signal, zooms = false, onPick = null }) {
  const element = h("div", { class: onPick ? "chart is-linked" : "chart", role: "img", "aria-label": label })
  let plot = null
  const reset = zooms && h("button", { type: "button", class: "quiet zoom-reset", hidden: true, onclick: () => zoomOut() }, "Show all")
  const zoomOut = () => {
    plot.setData(plot.data)
    reset.hidden = true
  }
  const draw = () => {
    plot?.destroy()
    const { data, ...options } = make(readColors(element))
    const all = zooms || onPick ? addMouse(options, { zooms, onPick, onZoom: (isZoomed) => (reset.hidden = !isZoomed) }) : options
    plot = new uPlot({ width: element.clientWidth, height, legend: { show: false }, ...all }, data, element)
  }
  const fit = () => {
    if (signal.aborted || !element.clientWidth) return
    if (!plot) draw()
    else if (plot.width !== element.clientWidth) plot.setSize({ width: element.clientWidth, height })
  }
  const observer = new ResizeObserver(fit)
  observer.observe(element)
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && draw(), { signal })
  signal.addEventListener("abort", () => {
    observer.disconnect()
    plot?.destroy()
  })
  // A button can't be part of an image.
  return zooms ? h("div", { class: "zoomable" }, element, reset) : element
}

const DRAG_PX = 5

/** Add a drag that selects a range of the x axis, and clicks, to uPlot's options. */
export function addMouse(options, { zooms, onPick, onZoom }) {
  let isDragged = false
  const listen = (plot) => plot.over.addEventListener("click", (event) => {
    // A drag ends with a click.
    if (!isDragged) onPick?.(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x"), plot)
    isDragged = false
  })
  const select = (plot) => {
    const { left, width } = plot.select
    if (width < DRAG_PX) return
    isDragged = true
    onZoom(true, [left, left + width].map((place) => plot.posToVal(place, "x")))
  }
  const drag = { x: zooms, y: false, setScale: zooms === true, dist: DRAG_PX, click: () => {} }
  return {
    ...options,
    cursor: { points: { show: false }, y: false, ...options.cursor, show: true, drag, bind: { dblclick: (plot, _, reset) => (event) => {
      reset?.(event)
      onZoom(false)
      return null
    } } },
    hooks: { ...options.hooks, ready: [...(options.hooks?.ready ?? []), listen], setSelect: [select] },
  }
}

/** Return the range of an x axis of shares: from 0 to 1, or the zoomed part of it. uPlot calls this with the ends of the data. */
export function readRange(plot, low, high) {
  const values = plot.data[0]
  const isWhole = low === values[0] && high === values.at(-1)
  return isWhole || low === null ? [0, 1] : [low, high]
}

/** Return the index of the value that is nearest to a given one. */
export function findNearest(values, wanted) {
  return values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? index : best), 0)
}

/** Make an axis in the colors of the theme. */
export function makeAxis(colors, options = {}) {
  return { stroke: colors.faint, size: 34, grid: { stroke: colors.line, width: 1 }, ticks: { stroke: colors.line }, ...options }
}

/** Make an axis of shares, as percentages. */
export function makePercentAxis(colors, options = {}) {
  return makeAxis(colors, { values: (_, splits) => splits.map((value) => `${Math.round(value * 100)} %`), ...options })
}

/** Make the series of line `index`; null makes the reference line. */
export function makeLine(colors, index, options = {}) {
  const stroke = index === null ? colors.edge : colors.series[index]
  return { stroke, width: index === null ? 3 : 2, dash: index === null ? [1, 4] : DASHES[index], points: { show: false }, ...options }
}

/** Draw the reference line from x = 0 to 1, between two values of y, under the lines. */
export function drawReference({ ctx, valToPos }, colors, start, end) {
  ctx.save()
  ctx.beginPath()
  ctx.moveTo(valToPos(0, "x", true), valToPos(start, "y", true))
  ctx.lineTo(valToPos(1, "x", true), valToPos(end, "y", true))
  ctx.setLineDash([uPlot.pxRatio, 4 * uPlot.pxRatio])
  ctx.lineWidth = 3 * uPlot.pxRatio
  ctx.strokeStyle = colors.edge
  ctx.stroke()
  ctx.restore()
}

/** Make a hook for uPlot's `draw` that draws the markers of each series; `indexes` has one line number per series. */
export function drawMarkers(colors, indexes) {
  return (plot) => indexes.forEach((index, position) => {
    if (index === null) return
    plot.data[position + 1].forEach((value, point) => {
      if (value === null) return
      const [x, y] = [plot.valToPos(plot.data[0][point], "x", true), plot.valToPos(value, "y", true)]
      fillMarker(plot.ctx, x, y, index, colors.series[index], MARKER_RADIUS * uPlot.pxRatio)
    })
  })
}

/** Draw a filled marker on a canvas. */
export function fillMarker(context, x, y, index, color, radius) {
  context.beginPath()
  for (const [dx, dy] of MARKERS[index]) context.lineTo(x + dx * radius, y + dy * radius)
  context.closePath()
  context.fillStyle = color
  context.fill()
}

/** Draw a sample of line `index` for a legend. */
export function drawSample(index) {
  const [x, y, isReference] = [20, 8, index === null]
  const marker = isReference ? null : MARKERS[index].map(([dx, dy]) => `${x + dx * MARKER_RADIUS},${y + dy * MARKER_RADIUS}`).join(" ")
  const dash = (isReference ? [1, 4] : DASHES[index]).join(" ") || null
  return svg("svg", { class: isReference ? "sample" : `sample series-${index + 1}`, width: 40, height: 16, "aria-hidden": "true" },
    svg("line", { x1: 1, x2: 39, y1: y, y2: y, "stroke-dasharray": dash, "stroke-width": isReference ? 3 : 2 }),
    marker && svg("polygon", { points: marker }))
}

/** Make a time axis in the time zone that is shown, by day or by hour; values are seconds since the epoch. */
export function makeTimeAxis(colors, unit) {
  const [hour, day] = [3600, 86400]
  const format = { timeZone: readZone(), day: "numeric", month: "short", ...(unit === "hour" ? { hour: "2-digit", minute: "2-digit" } : {}) }
  const steps = unit === "hour" ? [hour, 3 * hour, 6 * hour, 12 * hour, day] : [1, 2, 7, 14, 28, 91, 364].map((count) => count * day)
  return makeAxis(colors, {
    incrs: steps,
    space: unit === "hour" ? 90 : 55,
    values: (_, splits) => splits.map((moment) => new Date(moment * 1000).toLocaleString("en-GB", format)),
  })
}

/** Convert seconds since the epoch to a date in the time zone that is shown, for uPlot's `tzDate`. */
export function readDate(seconds) {
  return uPlot.tzDate(new Date(seconds * 1000), readZone())
}

/** Return uPlot's path builder for histograms: steps between values. */
export function drawSteps() {
  return uPlot.paths.stepped({ align: 1 })
}

/** Return the number of canvas pixels per CSS pixel. */
export function readPixelRatio() {
  return uPlot.pxRatio
}

// A canvas needs computed colors; the style sheet defines them with light-dark().
function readColors(element) {
  const probe = h("span", { class: "probe", hidden: true })
  element.append(probe)
  const read = (name) => {
    probe.style.setProperty("color", `var(--${name})`)
    return getComputedStyle(probe).color
  }
  const colors = Object.fromEntries(COLORS.map((name) => [name, read(name)]))
  colors.series = Array.from({ length: MAX_LINES }, (_, index) => read(`series-${index + 1}`))
  probe.remove()
  return colors
}

function polygon(corners, turn = 0) {
  return Array.from({ length: corners }, (_, corner) => {
    const angle = (corner / corners + turn) * 2 * Math.PI
    return [Math.cos(angle), Math.sin(angle)]
  })
}

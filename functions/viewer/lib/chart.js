// Charts with uPlot: they fit their place, follow the theme, and tell lines apart by dash and marker besides colour.

import uPlot from "../vendor/uplot/uPlot.js"
import { h, svg } from "./dom.js"

const COLOURS = ["ink", "faint", "line", "edge", "accent", "back"]
/** Lines that can be told apart; each has --series-<number> as its colour. */
export const MAX_LINES = 6
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [14, 4]]
const MARKER_RADIUS = 4
const MARKERS = [polygon(16), polygon(4, 0.125), polygon(3, -0.25), polygon(4), polygon(3, 0.25), polygon(5, -0.25)]

/**
 * A chart that says in words what it shows: `label` is its text alternative.
 *
 *   make(colours)  what uPlot takes, {data, …options}; called again when the theme changes
 */
export function drawChart({ label, height = 220, make, signal }) {
  const element = h("div", { class: "chart", role: "img", "aria-label": label })
  let plot = null
  const draw = () => {
    plot?.destroy()
    const { data, ...options } = make(readColours(element))
    plot = new uPlot({ width: element.clientWidth, height, legend: { show: false }, ...options }, data, element)
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
  return element
}

/** An axis in the theme's colours. */
export function makeAxis(colours, options = {}) {
  return { stroke: colours.faint, size: 34, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line }, ...options }
}

/** Line number `index` of a chart; null draws it as the one that the others are compared with. */
export function makeLine(colours, index, options = {}) {
  const stroke = index === null ? colours.edge : colours.series[index]
  return { stroke, width: index === null ? 3 : 2, dash: index === null ? [1, 4] : DASHES[index], points: { show: false }, ...options }
}

/** A hook for uPlot's `draw`: the markers of the lines whose numbers are `indexes`, one per series. */
export function drawMarkers(colours, indexes) {
  return (plot) => indexes.forEach((index, place) => {
    if (index === null) return
    plot.data[place + 1].forEach((value, point) => {
      if (value === null) return
      const [x, y] = [plot.valToPos(plot.data[0][point], "x", true), plot.valToPos(value, "y", true)]
      fillMarker(plot.ctx, x, y, index, colours.series[index], MARKER_RADIUS * uPlot.pxRatio)
    })
  })
}

/** Fill a marker on a canvas. */
export function fillMarker(context, x, y, index, colour, radius) {
  context.beginPath()
  for (const [dx, dy] of MARKERS[index]) context.lineTo(x + dx * radius, y + dy * radius)
  context.closePath()
  context.fillStyle = colour
  context.fill()
}

/** What a line looks like, for a legend. */
export function drawSample(index) {
  const [x, y, isReference] = [20, 8, index === null]
  const marker = isReference ? null : MARKERS[index].map(([dx, dy]) => `${x + dx * MARKER_RADIUS},${y + dy * MARKER_RADIUS}`).join(" ")
  const dash = (isReference ? [1, 4] : DASHES[index]).join(" ") || null
  return svg("svg", { class: isReference ? "sample" : `sample series-${index + 1}`, width: 40, height: 16, "aria-hidden": "true" },
    svg("line", { x1: 1, x2: 39, y1: y, y2: y, "stroke-dasharray": dash, "stroke-width": isReference ? 3 : 2 }),
    marker && svg("polygon", { points: marker }))
}

/** An axis of days, or of hours, in UTC; values are seconds since the epoch. */
export function makeTimeAxis(colours, unit) {
  const [hour, day] = [3600, 86400]
  const format = { timeZone: "UTC", day: "numeric", month: "short", ...(unit === "hour" ? { hour: "2-digit", minute: "2-digit" } : {}) }
  const steps = unit === "hour" ? [hour, 3 * hour, 6 * hour, 12 * hour, day] : [1, 2, 7, 14, 28, 91, 364].map((count) => count * day)
  return makeAxis(colours, {
    incrs: steps,
    space: unit === "hour" ? 90 : 55,
    values: (_, splits) => splits.map((moment) => new Date(moment * 1000).toLocaleString("en-GB", format)),
  })
}

/** Dates of the axis are UTC's. */
export function readUtc(seconds) {
  return uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC")
}

/** Steps from each value to the next, as a histogram has them. */
export function drawSteps() {
  return uPlot.paths.stepped({ align: 1 })
}

/** Pixels of the canvas per pixel of the page. */
export function readPixelRatio() {
  return uPlot.pxRatio
}

// The canvas needs colours as they come out of light-dark(), not as the style sheet writes them.
function readColours(element) {
  const probe = h("span", { hidden: true })
  element.append(probe)
  const read = (name) => {
    probe.style.setProperty("color", `var(--${name})`)
    return getComputedStyle(probe).color
  }
  const colours = Object.fromEntries(COLOURS.map((name) => [name, read(name)]))
  colours.series = Array.from({ length: MAX_LINES }, (_, index) => read(`series-${index + 1}`))
  probe.remove()
  return colours
}

function polygon(corners, turn = 0) {
  return Array.from({ length: corners }, (_, corner) => {
    const angle = (corner / corners + turn) * 2 * Math.PI
    return [Math.cos(angle), Math.sin(angle)]
  })
}

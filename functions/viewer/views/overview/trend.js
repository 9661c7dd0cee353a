// Confidence over time: one line per model or mod, and a dotted reference line for all requests.

import { formatQuery } from "../../lib/api.js"
import { drawChart, drawMarkers, drawSample, findNearest, makeLine, makePercentAxis, makeTimeAxis, MAX_LINES, readDate } from "../../lib/chart.js"
import { drawName, emptyState, h, replace } from "../../lib/dom.js"
import { formatCount, formatNats, formatProbability, nameZone, readZone, UNKNOWN } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"
import { drawNumberCells, drawNumberHead, drawTable, drawWide } from "../../lib/parts.js"
import { formatKey, readSpan, toSeconds } from "./period.js"

const NAMELESS = { model: "(no model named)", mod: "(no mod)" }

/** Load the lines of the largest groups, with one call each: [{name, index, points}]. */
export async function loadLines(kind, groups, { call, period, filtered }) {
  const named = groups.filter((group) => group.key !== null)
  // With a filter there is one line; a query for another name would replace the filter.
  const largest = filtered ? named.filter((group) => group.key === filtered) : named.sort((one, other) => other.n - one.n).slice(0, MAX_LINES)
  return await Promise.all(largest.map(async ({ key }, index) => {
    const answer = await call("/v1/confidence/summary", { group_by: period.unit, time_zone: readZone(), [kind]: key })
    return { name: key, index, points: answer.groups }
  }))
}

/** Draw the chart, its legend with numbers, and the same data as a table. */
export function drawTrend(kind, { groups, lines, all }, period, { query, go, signal }) {
  if (!groups.length) return emptyState("No requests", "No requests match the range and the filters.", h("p", null, h("a", { href: "/overview?days=all" }, "Show all requests")))
  const series = [{ name: "all requests", index: null, points: all }, ...lines]
  const keys = [...new Set(series.flatMap((line) => line.points.map((point) => point.key)))].sort()
  const rows = series.map((line) => new Map(line.points.map((point) => [point.key, point])))
  const readout = h("p", { class: "readout", "aria-hidden": "true" })
  const linkTo = (line, key) => `/${formatQuery({ model: query.model, mod: query.mod, ...(line.index === null ? {} : { [kind]: line.name }), ...readSpan(key, period.unit) })}`
  const open = (moment, plot) => {
    const place = findNearest(keys.map(toSeconds), moment)
    const line = findLine(plot, place)
    if (line >= 0) go(linkTo(series[line], keys[place]))
  }
  return [
    h("figure", null,
      drawChart({ height: 180, label: describe(kind, lines, keys), make: (colors) => makeOptions(colors, kind, series, keys, rows, period, readout), signal, zooms: true, onPick: open }),
      h("figcaption", null, h("p", null, findLowest(kind, lines.length ? lines : series), " Drag to zoom; click a point for its requests."), readout)),
    drawGroups(kind, groups, lines),
    drawPoints(kind, series, keys, rows, period.unit, linkTo),
  ]
}

/** Return the index of the line that has the point nearest to the pointer at a position of the x axis; -1 without one. */
function findLine(plot, place) {
  const distances = plot.data.slice(1).map((values) => (values[place] === null ? Infinity : Math.abs(plot.valToPos(values[place], "y") - plot.cursor.top)))
  const least = Math.min(...distances)
  return Number.isFinite(least) ? distances.lastIndexOf(least) : -1  // a model before all requests
}

function nameLine(kind, name) {
  return kind === "mod" ? nameMod(name) : name
}

function describe(kind, lines, keys) {
  const names = lines.map((line) => nameLine(kind, line.name)).join(", ")
  return `Line chart of sequence confidence by ${kind}, from ${formatKey(keys[0])} to ${formatKey(keys.at(-1))}: ${names || "all requests"}. The tables below have the numbers.`
}

function findLowest(kind, lines) {
  const known = lines.flatMap((line) => line.points.map((point) => ({ name: line.name, key: point.key, mean: point.sequence_confidence.mean })))
    .filter((point) => point.mean !== null)
  if (!known.length) return "No token of these requests has a known probability."
  const lowest = known.reduce((least, point) => (point.mean < least.mean ? point : least))
  return `Lowest: ${formatProbability(lowest.mean)}, ${nameLine(kind, lowest.name)}, ${formatKey(lowest.key)}.`
}

function makeOptions(colors, kind, series, keys, rows, period, readout) {
  const indexes = series.map((line) => line.index)
  const show = ({ cursor: { idx } }) => replace(readout, idx === null || idx === undefined ? null : describePoint(keys[idx], kind, series, rows))
  return {
    data: [keys.map(toSeconds), ...rows.map((row) => keys.map((key) => row.get(key)?.sequence_confidence.mean ?? null))],
    tzDate: readDate,
    scales: { x: { range: (plot, low, high) => widen(low, plot.data[0].length > 1 ? high : low, period.unit) }, y: { range: [0, 1] } },
    axes: [makeTimeAxis(colors, period.unit), makePercentAxis(colors, { size: 52 })],
    series: [{}, ...indexes.map((index) => makeLine(colors, index))],
    hooks: { draw: [drawMarkers(colors, indexes)], setCursor: [show] },
  }
}

// Add half a day or half an hour on both sides, so that markers at the ends are not cut off. uPlot gives a single point the
// range of a day.
function widen(low, high, unit) {
  const room = (unit === "hour" ? 3600 : 86400) / 2
  return [low - room, high + room]
}

function describePoint(key, kind, series, rows) {
  const parts = series.map((line, position) => [line.name, rows[position].get(key)]).filter(([, point]) => point)
    .map(([name, point]) => `${nameLine(kind, name)} ${formatMean(point)} of ${formatCount(point.n)}`)
  return `${formatKey(key)}: ${parts.join(" · ")}`
}

function drawGroups(kind, groups, lines) {
  const index = new Map(lines.map((line) => [line.name, line.index]))
  const order = (group) => index.get(group.key) ?? Infinity
  const rows = [...groups].sort((one, other) => order(one) - order(other) || other.n - one.n)
  const heads = ["Requests", "Mean", "p5 – p95", "Least confident window", "Forced tokens"]
  const caption = ["Sequence confidence", groups.length > lines.length && lines.length ? ` · the chart shows the largest ${lines.length}` : null,
    h("span", { class: "key" }, drawSample(null), " all requests")]
  return drawWide(`By ${kind}, totals`, drawTable(
    { class: "groups", caption, heads: [h("td"), kind === "model" ? "Model" : "Mod", ...heads.map(drawNumberHead)] },
    rows.map((group) => drawGroup(kind, group, index.get(group.key)))))
}

// If a sampled token was not in its top-k list, the request's confidence is an upper bound, and so is the mean.
function formatMean({ sequence_confidence: { mean }, coverage }) {
  return formatProbability(mean, { isBound: coverage.sampled_in_top_k < coverage.sampled })
}

function drawGroup(kind, group, index) {
  const { p5, p95 } = group.sequence_confidence
  const numbers = [
    formatCount(group.n),
    formatMean(group),
    p5 === null ? UNKNOWN : `${Math.round(p5 * 100)}–${Math.round(p95 * 100)} %`,
    formatNats(group.lowest_group_confidence.mean),
    group.forced_rate ? formatProbability(group.forced_rate) : group.forced_rate === 0 ? "none" : UNKNOWN,
  ]
  return h("tr", null, h("td", { class: "sampled" }, index === undefined ? null : drawSample(index)), h("th", { scope: "row" }, group.key === null ? NAMELESS[kind] : drawName(nameLine(kind, group.key))),
    drawNumberCells(numbers))
}

function drawPoints(kind, series, keys, rows, unit, linkTo) {
  const cell = (point, line, key) => h("td", { class: "number" }, point ? h("a", { href: linkTo(line, key) }, `${formatMean(point)} (${formatCount(point.n)})`) : "–")
  return h("details", null, h("summary", null, `By ${unit}, as a table`),
    drawWide(`By ${unit}`, drawTable({
      caption: `Mean sequence confidence, with the number of requests in parentheses; times are in ${nameZone()}`,
      heads: [unit === "hour" ? "Hour" : "Day", ...series.map((line) => drawNumberHead(nameLine(kind, line.name)))],
    }, keys.map((key) => h("tr", null, h("th", { scope: "row" }, formatKey(key)), rows.map((row, position) => cell(row.get(key), series[position], key)))))))
}

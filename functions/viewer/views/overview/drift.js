// Drift: compare the distribution of a score in two periods.

import { drawChart, drawSample, drawSteps, makeAxis, makeLine, makePercentAxis } from "../../lib/chart.js"
import { drawForm, emptyState, h, hide } from "../../lib/dom.js"
import { formatAmount, formatCount } from "../../lib/format.js"
import { drawField, drawNumberHead, drawTable } from "../../lib/parts.js"
import { readDate, toDate, toQuery, toSeconds } from "./period.js"
import { describeScore, makeOpener } from "./scores.js"

const FIELDS = [["baseline_from", "Baseline from"], ["baseline_to", "to"], ["current_from", "Current from"], ["current_to", "to"]]
const SIGNIFICANT = 0.01
const POSSIBLE = 0.05
const FEW = 30

/** Draw the form for the two periods and their comparison. By default, each period has about half of the requests. */
export async function drawDrift({ call, groups, parameters, query, score, go, again, signal }) {
  const given = Object.fromEntries(FIELDS.map(([name]) => [name, readDate(parameters.get(name))]))
  const isGiven = Object.values(given).some(Boolean)
  const dates = isGiven ? given : halve(await groups.all)
  const form = drawPeriods(dates ?? given, again)
  if (!dates) return [form, emptyState("Nothing to compare yet", (await groups.all).length ? "All requests are from one day. Choose two periods." : "There are no requests in this range. Choose two periods.")]
  const [before, after] = ["baseline", "current"].map((name) => toQuery({ from: dates[`${name}_from`], to: dates[`${name}_to`] }))
  const drift = await call("/v1/confidence/drift", { score, ...after, baseline_from: before.from, baseline_to: before.to })
  const periods = { from: before.from || after.from, to: after.to || before.to }
  return [form, ...drawResult(drift, score, { query: { ...query, ...periods }, go, signal })]
}

// Split the days so that each period has about half of the requests.
function halve(groups) {
  const counts = new Map()
  for (const group of groups) {
    const day = toDate(toSeconds(group.key) * 1000)
    counts.set(day, (counts.get(day) ?? 0) + group.n)
  }
  const days = [...counts.keys()]
  if (days.length < 2) return null
  const half = groups.reduce((total, group) => total + group.n, 0) / 2
  let [index, sum] = [0, 0]
  while (index < days.length - 1 && sum + counts.get(days[index]) / 2 < half) sum += counts.get(days[index++])
  const cut = Math.max(1, index)
  return { baseline_from: days[0], baseline_to: days[cut - 1], current_from: days[cut], current_to: days.at(-1) }
}

function drawPeriods(dates, again) {
  return drawForm({ class: "periods" }, (form) => { again(Object.fromEntries(new FormData(form))) },
    FIELDS.map(([name, title]) => drawField(
      title === "to" ? h("span", null, hide(name.startsWith("b") ? "Baseline " : "Current "), "to") : title,
      h("input", { id: name, name, type: "date", value: dates[name] }))),
    h("button", null, "Compare"))
}

function drawResult(drift, score, context) {
  const { title } = describeScore(score)
  if (!drift.baseline.n || !drift.current.n) {
    const side = drift.baseline.n ? "the current" : drift.current.n ? "the baseline" : "either"
    return [emptyState("Nothing to compare", `No request in ${side} period has this score.`)]
  }
  const label = `Histograms of ${title}: ${formatAmount(drift.baseline.n, "request")} in the baseline period, ${drift.current.n} in the current one. ${judge(drift)}`
  const bins = drift.baseline.histogram
  const open = makeOpener(score, context, (value) => {
    const bin = bins.find((one) => value < one.hi) ?? bins.at(-1)
    return [bin.lo, bin.hi]
  })
  return [
    h("p", null, h("strong", null, judge(drift)), " ", explain(drift, score)),
    h("figure", null, drawChart({ label, height: 180, make: (colors) => makeOptions(colors, drift, score), signal: context.signal, zooms: true, onPick: open }),
      h("figcaption", null, `share of requests by ${title}: `, drawSample(0), ` baseline (${formatCount(drift.baseline.n)}) `, drawSample(1), ` current (${formatCount(drift.current.n)})`)),
    drawHistograms(drift, score),
  ]
}

function judge({ ks_pvalue: chance, baseline, current }) {
  const few = Math.min(baseline.n, current.n) < FEW ? " With so few requests, only a large change would be found." : ""
  if (chance < SIGNIFICANT) return `Significant change.${few}`
  if (chance < POSSIBLE) return `Possible change.${few}`
  return `No significant change.${few}`
}

function explain(drift, score) {
  const points = Math.round(drift.ks_statistic * 100)
  const chance = drift.ks_pvalue < 0.001 ? "< 0.001" : `= ${drift.ks_pvalue.toFixed(3)}`
  const parts = [
    `The cumulative distributions differ by at most ${points} points (Kolmogorov-Smirnov ${drift.ks_statistic.toFixed(2)}, p ${chance}).`,
    `On average, values moved by ${describeDistance(drift.wasserstein, score)} (Wasserstein).`,
  ]
  if (drift.left_out) parts.push(`Left out: ${formatAmount(drift.left_out, "request")} without this score or with a top-k length other than ${drift.k}.`)
  return parts.join(" ")
}

function describeDistance(distance, score) {
  const { unit, format } = describeScore(score)
  const isShare = format(1).endsWith("%")
  return isShare ? `${(distance * 100).toFixed(1)} points` : `${distance.toFixed(2)}${unit}`
}

// Draw histograms as steps. The last value is repeated at the last edge, so that the last bin has a width.
function makeOptions(colors, drift, score) {
  const { format } = describeScore(score)
  const edges = [...drift.baseline.histogram.map((bin) => bin.lo), drift.baseline.histogram.at(-1).hi]
  const [before, after] = [drift.baseline, drift.current].map(({ n, histogram }) => [...histogram, histogram.at(-1)].map((bin) => bin.n / n))
  const paths = drawSteps()
  return {
    data: [edges, before, after],
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, high * 1.05] } },
    axes: [makeAxis(colors, { space: 80, values: (_, splits) => splits.map(format) }), makePercentAxis(colors, { size: 52 })],
    series: [{}, makeLine(colors, 0, { paths, fill: colors.line, fillTo: 0 }), makeLine(colors, 1, { paths })],
  }
}

function drawHistograms(drift, score) {
  const { format } = describeScore(score)
  const cell = (n, side) => h("td", { class: "number" }, `${formatCount(n)} (${((n / side.n) * 100).toFixed(1)} %)`)
  const rows = drift.baseline.histogram.map((bin, index) => h("tr", null,
    h("th", { scope: "row" }, `${format(bin.lo)} – ${format(bin.hi)}`), cell(bin.n, drift.baseline), cell(drift.current.histogram[index].n, drift.current)))
  return h("details", null, h("summary", null, "Histograms as a table"),
    drawTable({ caption: "Requests by value, with their share of the period", heads: ["Value", ...["Baseline", "Current"].map(drawNumberHead)] }, rows))
}

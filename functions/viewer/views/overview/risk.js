// Risk and coverage: how many answers are incorrect if only the most confident are accepted, and a threshold with a guarantee.

import { drawChart, drawReference, drawSample, fillMarker, findNearest, makeAxis, makeLine, readPixelRatio, readRange } from "../../lib/chart.js"
import { h } from "../../lib/dom.js"
import { formatCount, formatNumber, formatProbability } from "../../lib/format.js"
import { drawField } from "../../lib/parts.js"
import { drawHowToLabel } from "./calibration.js"
import { describeScore, linkRange } from "./scores.js"

const DEFAULTS = { target_error: 0.05, confidence: 0.95 }
const STEPS = 20
const RADIUS = 6

/** Return the target error and the confidence of the address, as the API takes them. */
export function readPromise(parameters) {
  const read = (name) => Number(parameters.get(name)) || DEFAULTS[name]
  return { target_error: read("target_error"), confidence: read("confidence") }
}

/** Draw the form for the guarantee, the curve with the threshold, and the ranking of all scores. */
export async function drawRisk({ call, parameters, query, score, go, again, signal }) {
  const promise = readPromise(parameters)
  const form = drawForm(promise, again)
  const [risk, threshold] = await Promise.all([
    call("/v1/confidence/risk-coverage", { score }),
    call("/v1/confidence/threshold", { score, ...promise }),
  ])
  const sentence = drawSentence(threshold)
  if (!risk.n) return [form, sentence, drawHowToLabel()]
  return [form, sentence, h("div", { class: "pair" },
    h("div", null, drawCurve({ risk, threshold, promise, score, query, go, signal }), drawTable(risk, score)),
    drawRanking(risk.scores, score))]
}

function drawForm(promise, again) {
  const submit = (event) => {
    event.preventDefault()
    again(Object.fromEntries([...new FormData(event.target)].map(([name, percent]) => [name, Number(percent) / 100])))
  }
  const field = (name, title, limits) => drawField(title,
    h("input", { id: `overview-${name}`, name, type: "number", step: "any", required: true, value: Number((promise[name] * 100).toPrecision(6)), ...limits }))
  return h("form", { class: "periods", onsubmit: submit },
    field("target_error", "Incorrect at most (%)", { min: 0.1, max: 99.9 }),
    field("confidence", "Confidence (%)", { min: 50, max: 99.99 }),
    h("button", null, "Find threshold"))
}

function drawSentence({ certified, message }) {
  const [result, rest] = certified ? ["Certified: ", message] : ["Not certified: ", message.replace(/^not certified: /, "").replace(/target_error=([\d.]*\d)/, (_, share) => `${formatProbability(Number(share))} incorrect`)]
  return h("p", { class: certified ? null : "note" }, h("strong", null, result), `${rest}.`)
}

function drawCurve({ risk, threshold, promise, score, query, go, signal }) {
  const { title } = describeScore(score)
  const all = risk.curve.at(-1).risk
  const cut = threshold.certified ? risk.curve.find((point) => point.threshold === threshold.threshold) : null
  const chosen = cut ? ` The threshold accepts ${formatProbability(cut.coverage)}, of which ${formatProbability(cut.risk)} are incorrect here.` : ""
  const label = `Risk by coverage, accepted by ${title}: ${formatProbability(all)} incorrect if all are accepted.${chosen}`
  // The accepted requests of a point are those at least as confident as its threshold.
  const open = (value) => go(linkRange(score, [risk.curve[findNearest(risk.curve.map((point) => point.coverage), value)].threshold, 1], query))
  const canOpen = linkRange(score, [0, 1], query) !== null
  return h("figure", null,
    drawChart({ label, height: 220, make: (colors) => makeOptions(colors, risk.curve, cut, promise.target_error), signal, zooms: true, onPick: canOpen ? open : null }),
    h("figcaption", null, drawSample(0), ` incorrect answers among the accepted (${formatCount(risk.n)} labels) `, drawSample(null), ` incorrect at most; `, cut ? "the square is the threshold" : "no threshold is certified"))
}

function makeOptions(colors, curve, cut, target) {
  const percent = (_, splits) => splits.map((value) => `${Math.round(value * 100)} %`)
  return {
    data: [curve.map((point) => point.coverage), curve.map((point) => point.risk)],
    scales: { x: { time: false, range: readRange }, y: { range: [0, 1] } },
    axes: [makeAxis(colors, { values: percent, label: "accepted", labelSize: 20 }), makeAxis(colors, { size: 52, space: 40, values: percent, label: "incorrect", labelSize: 20 })],
    series: [{}, makeLine(colors, 0)],
    hooks: { drawClear: [(plot) => drawReference(plot, colors, target, target)], draw: [(plot) => cut && drawCut(plot, colors, cut)] },
  }
}

function drawCut(plot, colors, cut) {
  fillMarker(plot.ctx, plot.valToPos(cut.coverage, "x", true), plot.valToPos(cut.risk, "y", true), 1, colors.series[0], RADIUS * readPixelRatio())
}

// Every 5 %: the first point of the curve that accepts at least this share. Ties can merge several rows.
function drawTable({ curve }, score) {
  const { format, title } = describeScore(score)
  const shares = Array.from({ length: STEPS }, (_, step) => (step + 1) / STEPS)
  const points = [...new Set(shares.map((share) => curve.find((point) => point.coverage >= share - 1e-9) ?? curve.at(-1)))]
  const row = (point) => h("tr", null, h("th", { scope: "row" }, formatProbability(point.coverage)),
    [formatProbability(point.risk), format(point.threshold)].map((text) => h("td", { class: "number" }, text)))
  return h("details", null, h("summary", null, "Curve as a table"),
    h("table", null, h("caption", null, `Incorrect answers among the accepted, by ${title}`),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Accepted"), ["Incorrect", "Threshold"].map((name) => h("th", { scope: "col", class: "number" }, name)))),
      h("tbody", null, points.map(row))))
}

function drawRanking(scores, score) {
  const row = (one) => h("tr", { "aria-current": one.score === score ? "true" : null }, h("th", { scope: "row" }, describeScore(one.score).title),
    [one.auroc, one.prr].map((measure) => h("td", { class: "number" }, drawInterval(measure))))
  return h("table", { class: "ranking" },
    h("caption", null, "How well each score separates correct answers from incorrect ones, with 95 % intervals. AUROC: 0.50 is chance. PRR: 0 is chance. 1 is perfect."),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Score"), ["AUROC", "PRR"].map((name) => h("th", { scope: "col", class: "number" }, name)))),
    h("tbody", null, scores.map(row)))
}

function drawInterval({ value, lo, hi }) {
  return value === null ? "–" : `${formatNumber(value)} (${formatNumber(lo)} – ${formatNumber(hi)})`
}

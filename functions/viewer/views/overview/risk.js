// Risk and coverage: how many answers are incorrect if only the most confident are accepted, and a threshold with a guarantee.

import { drawChart, drawReference, drawSample, fillMarker, findNearest, makeLine, makePercentAxis, readPixelRatio, readRange } from "../../lib/chart.js"
import { drawForm, h } from "../../lib/dom.js"
import { formatCount, formatNumber, formatProbability } from "../../lib/format.js"
import { drawField, drawNumberCells, drawNumberHead, drawTable } from "../../lib/parts.js"
import { drawHowToLabel } from "./calibration.js"
import { describeScore, makeOpener } from "./scores.js"

const DEFAULTS = { target_error: 0.05, confidence: 0.95 }
const STEPS = 20
const RADIUS = 6

/** Return the target error and the confidence of the address, as the API takes them. */
function readPromise(parameters) {
  const read = (name) => Number(parameters.get(name)) || DEFAULTS[name]
  return { target_error: read("target_error"), confidence: read("confidence") }
}

/** Draw the form for the guarantee, the curve with the threshold, and the ranking of all scores. */
export async function drawRisk({ call, parameters, query, score, go, again, signal }) {
  const promise = readPromise(parameters)
  const form = drawPromise(promise, again)
  const [risk, threshold] = await Promise.all([
    call("/v1/confidence/risk-coverage", { score }),
    call("/v1/confidence/threshold", { score, ...promise }),
  ])
  const sentence = drawSentence(threshold)
  if (!risk.n) return [form, sentence, drawHowToLabel()]
  return [form, sentence, h("div", { class: "pair" },
    h("div", null, drawCurve({ risk, threshold, promise, score, query, go, signal }), drawPoints(risk, score)),
    drawRanking(risk.scores, score))]
}

function drawPromise(promise, again) {
  const submit = (form) => { again(Object.fromEntries([...new FormData(form)].map(([name, percent]) => [name, Number(percent) / 100]))) }
  const field = (name, title, limits) => drawField(title,
    h("input", { id: `overview-${name}`, name, type: "number", step: "any", required: true, value: Number((promise[name] * 100).toPrecision(6)), ...limits }))
  return drawForm({ class: "periods" }, submit,
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
  const open = makeOpener(score, { query, go }, (value) => [risk.curve[findNearest(risk.curve.map((point) => point.coverage), value)].threshold, 1])
  return h("figure", null,
    drawChart({ label, height: 220, make: (colors) => makeOptions(colors, risk.curve, cut, promise.target_error), signal, zooms: true, onPick: open }),
    h("figcaption", null, drawSample(0), ` incorrect answers among the accepted (${formatCount(risk.n)} labels) `, drawSample(null), ` incorrect at most; `, cut ? "the square is the threshold" : "no threshold is certified"))
}

function makeOptions(colors, curve, cut, target) {
  return {
    data: [curve.map((point) => point.coverage), curve.map((point) => point.risk)],
    scales: { x: { time: false, range: readRange }, y: { range: [0, 1] } },
    axes: [makePercentAxis(colors, { label: "accepted", labelSize: 20 }), makePercentAxis(colors, { size: 52, space: 40, label: "incorrect", labelSize: 20 })],
    series: [{}, makeLine(colors, 0)],
    hooks: { drawClear: [(plot) => drawReference(plot, colors, target, target)], draw: [(plot) => cut && drawCut(plot, colors, cut)] },
  }
}

function drawCut(plot, colors, cut) {
  fillMarker(plot.ctx, plot.valToPos(cut.coverage, "x", true), plot.valToPos(cut.risk, "y", true), 1, colors.series[0], RADIUS * readPixelRatio())
}

// Every 5 %: the first point of the curve that accepts at least this share. Ties can merge several rows.
function drawPoints({ curve }, score) {
  const { format, title } = describeScore(score)
  const shares = Array.from({ length: STEPS }, (_, step) => (step + 1) / STEPS)
  const points = [...new Set(shares.map((share) => curve.find((point) => point.coverage >= share - 1e-9) ?? curve.at(-1)))]
  const row = (point) => h("tr", null, h("th", { scope: "row" }, formatProbability(point.coverage)),
    drawNumberCells([formatProbability(point.risk), format(point.threshold)]))
  const caption = `Incorrect answers among the accepted, by ${title}`
  return h("details", null, h("summary", null, "Curve as a table"),
    drawTable({ caption, heads: ["Accepted", ...["Incorrect", "Threshold"].map(drawNumberHead)] }, points.map(row)))
}

function drawRanking(scores, score) {
  const row = (one) => h("tr", { "aria-current": one.score === score ? "true" : null }, h("th", { scope: "row" }, describeScore(one.score).title),
    drawNumberCells([one.auroc, one.prr].map(formatInterval)))
  const caption = "How well each score separates correct answers from incorrect ones, with 95 % intervals. AUROC: 0.50 is chance. PRR: 0 is chance. 1 is perfect."
  return drawTable({ class: "ranking", caption, heads: ["Score", ...["AUROC", "PRR"].map(drawNumberHead)] }, scores.map(row))
}

function formatInterval({ value, lo, hi }) {
  return value === null ? "–" : `${formatNumber(value)} (${formatNumber(lo)} – ${formatNumber(hi)})`
}

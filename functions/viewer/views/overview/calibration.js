// Calibration: the share of correct answers by score, among answers with a recorded outcome, and by p_correct.

import { drawChart, drawReference, drawSample, fillMarker, findNearest, makeLine, makePercentAxis, readPixelRatio, readRange } from "../../lib/chart.js"
import { h } from "../../lib/dom.js"
import { formatAmount, formatCount, formatNumber, formatProbability } from "../../lib/format.js"
import { drawNumberCells, drawNumberHead, drawTable } from "../../lib/parts.js"
import { describeScore, makeOpener } from "./scores.js"

const [SMALLEST, LARGEST] = [3, 9]
const MAX_CALIBRATORS = 3

const CALIBRATED = "p_correct"
const BINS = 10

/** Load and draw the reliability of a score before calibration and, if enough labeled requests have p_correct, after it. */
export async function loadCalibration({ call, list, query, score, go, signal }) {
  const measure = (name) => call("/v1/confidence/calibration", { score: name, bins: BINS })
  const [answer, after, calibrators] = await Promise.all([measure(score), score === CALIBRATED ? null : measure(CALIBRATED), list("/v1/calibrators")])
  const fitted = calibrators.calibrators.filter((one) => one.active && one.score === score && (!query.model || one.model === query.model))
  const parts = drawCalibration(answer, after?.enough && answer.bins ? after : null, score, { query, go, signal })
  return [...parts, ...fitted.slice(0, MAX_CALIBRATORS).map(drawCalibrator)]
}

// Cross-validated, because the diagram can show labels that the calibrator was fitted to.
function drawCalibrator({ model, k, version, method, n, ece }) {
  const points = ({ value }) => `${(value * 100).toFixed(1)} points`
  const change = ece.before ? `is ${points(ece.before)} before and ${points(ece.after)} after calibration` : `is ${points(ece.after)}`
  return h("p", null, `Calibrator version ${version} of ${model} with k = ${k} (${method}, ${formatCount(n)} labels): in cross-validation, the error of the probability (ECE) ${change}.`)
}

/** Explain how answers get an outcome. */
export function drawHowToLabel() {
  return h("p", { class: "faint" }, "An outcome records whether an answer was correct, as judged by a test, a person or another model. Mark answers as correct or incorrect on their pages, or let a program record outcomes (",
    h("a", { href: "/docs" }, "POST /logs/{id}/outcome"), ").")
}

// With too few outcomes, only the message.
function drawCalibration(answer, after, score, context) {
  const sentence = h("p", { class: answer.enough ? "faint" : "note" }, `Note: ${answer.message}.`)
  if (!answer.enough) return [sentence, drawHowToLabel()]
  const parts = [drawWords(answer)]
  if (after) parts.push(h("p", null, `After calibration, the probability is off by ${Math.round(after.ece * 100)} points on average; ${after.message}.`))
  if (!answer.bins) return [...parts, sentence]
  return [...parts, drawDiagram(answer, after, score, context), sentence, drawTables(answer, after, score)]
}

function drawWords({ n, auroc, ece, mce, brier }) {
  const parts = [`${formatAmount(n, "outcome")}.`]
  if (auroc !== null) parts.push(`In ${Math.round(auroc * 100)} of 100 pairs, the correct answer scores as more confident than the incorrect one (AUROC ${formatNumber(auroc)}; 0.50 is chance).`)
  if (ece !== null) parts.push(`As a probability of being correct, the score is off by ${Math.round(ece * 100)} points on average (ECE) and by at most ${Math.round(mce * 100)} points (MCE). Brier score: ${formatNumber(brier)}.`)
  return h("p", null, parts.join(" "))
}

function drawDiagram(answer, after, score, context) {
  const lines = [answer, after].filter(Boolean).map(({ bins }) => bins.filter((bin) => bin.n))
  const { title } = describeScore(score)
  const describe = (bins) => bins.map((bin) => `${formatProbability(bin.accuracy)} correct at ${formatProbability(bin.mean_confidence)}`).join(", ")
  const label = `Reliability diagram of ${title}: ${lines.map(describe).join("; after calibration: ")}.`
  const open = makeOpener(score, context, (value) => {
    const bin = lines[0][findNearest(lines[0].map((one) => one.mean_confidence), value)]
    return [bin.lo, bin.hi]
  })
  return h("figure", null,
    drawChart({ label, height: 220, make: (colors) => makeOptions(colors, lines, title), signal: context.signal, zooms: true, onPick: open }),
    h("figcaption", null, drawSample(0), " share of correct answers (larger marker: more answers) ", after && [drawSample(1), " after calibration "], drawSample(null), " perfect calibration"))
}

// uPlot has one list of x for all lines; where a line has no point, it continues.
function makeOptions(colors, lines, title) {
  const x = [...new Set(lines.flat().map((bin) => bin.mean_confidence))].sort((one, other) => one - other)
  const values = lines.map((bins) => x.map((mean) => bins.find((bin) => bin.mean_confidence === mean)?.accuracy ?? null))
  return {
    data: [x, ...values],
    scales: { x: { time: false, range: readRange }, y: { range: [0, 1] } },
    axes: [makePercentAxis(colors, { label: title, labelSize: 20 }), makePercentAxis(colors, { size: 52, space: 40, label: "correct", labelSize: 20 })],
    series: [{}, ...lines.map((_, index) => makeLine(colors, index, { spanGaps: true }))],
    hooks: { drawClear: [(plot) => drawReference(plot, colors, 0, 1)], draw: [(plot) => lines.forEach((bins, index) => drawPoints(plot, colors, bins, index))] },
  }
}

function drawPoints(plot, colors, bins, index) {
  const most = Math.max(...bins.map((bin) => bin.n))
  for (const bin of bins) {
    const radius = (SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(bin.n / most)) * readPixelRatio()
    fillMarker(plot.ctx, plot.valToPos(bin.mean_confidence, "x", true), plot.valToPos(bin.accuracy, "y", true), index, colors.series[index], radius)
  }
}

function drawTables(answer, after, score) {
  return h("details", null, h("summary", null, "Diagram as a table"), drawBins(answer, score), after && drawBins(after, CALIBRATED))
}

function drawBins({ bins }, score) {
  const { format, title } = describeScore(score)
  const row = (bin) => h("tr", null,
    h("th", { scope: "row" }, `${format(bin.lo)} – ${format(bin.hi)}`),
    drawNumberCells([formatCount(bin.n), bin.n ? format(bin.mean_confidence) : "–", bin.n ? formatProbability(bin.accuracy) : "–"]))
  return drawTable({ caption: `Answers with an outcome, by ${title}`, heads: ["Score", ...["Answers", "Mean score", "Correct"].map(drawNumberHead)] }, bins.map(row))
}

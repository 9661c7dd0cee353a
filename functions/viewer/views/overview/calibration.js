// Calibration: the share of correct answers by score, among answers with a recorded outcome.

import { drawChart, drawSample, fillMarker, makeAxis, makeLine, readPixelRatio } from "../../lib/chart.js"
import { h } from "../../lib/dom.js"
import { formatCount, formatNumber, formatProbability } from "../../lib/format.js"
import { describeScore } from "./scores.js"

const [SMALLEST, LARGEST] = [3, 9]

/** Draw the answer of GET /v1/confidence/calibration; with too few outcomes, only its message. */
export function drawCalibration(answer, score, signal) {
  const sentence = h("p", { class: answer.enough ? "faint" : "note" }, `Note: ${answer.message}.`)
  if (!answer.enough) return [sentence, h("p", { class: "faint" }, "An outcome records whether an answer was correct, as judged by a test, a person or another model (POST /logs/{id}/outcome).")]
  return [drawWords(answer), answer.bins ? drawDiagram(answer, score, signal) : null, sentence, answer.bins ? drawTable(answer, score) : null].filter(Boolean)
}

function drawWords({ n, auroc, ece, mce, brier }) {
  const parts = [`${formatCount(n)} outcomes.`]
  if (auroc !== null) parts.push(`In ${Math.round(auroc * 100)} of 100 pairs, the correct answer scores as more confident than the wrong one (AUROC ${formatNumber(auroc)}; 0.50 is chance).`)
  if (ece !== null) parts.push(`As a probability of being correct, the score is off by ${Math.round(ece * 100)} points on average (ECE) and by at most ${Math.round(mce * 100)} points (MCE). Brier score: ${formatNumber(brier)}.`)
  return h("p", null, parts.join(" "))
}

function drawDiagram(answer, score, signal) {
  const bins = answer.bins.filter((bin) => bin.n)
  const { title } = describeScore(score)
  const label = `Reliability diagram of ${title}: ${bins.map((bin) => `${formatProbability(bin.accuracy)} correct at ${formatProbability(bin.mean_confidence)}`).join(", ")}.`
  return h("figure", null,
    drawChart({ label, height: 220, make: (colors) => makeOptions(colors, bins, title), signal }),
    h("figcaption", null, drawSample(0), " share of correct answers (larger marker: more answers) ", drawSample(null), " perfect calibration"))
}

function makeOptions(colors, bins, title) {
  const percent = (_, splits) => splits.map((value) => `${Math.round(value * 100)} %`)
  return {
    data: [bins.map((bin) => bin.mean_confidence), bins.map((bin) => bin.accuracy)],
    scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
    axes: [makeAxis(colors, { values: percent, label: title, labelSize: 20 }), makeAxis(colors, { size: 52, space: 40, values: percent, label: "correct", labelSize: 20 })],
    series: [{}, makeLine(colors, 0)],
    cursor: { show: false },
    hooks: { drawClear: [(plot) => drawDiagonal(plot, colors)], draw: [(plot) => drawPoints(plot, colors, bins)] },
  }
}

function drawDiagonal(plot, colors) {
  const { ctx } = plot
  ctx.save()
  ctx.beginPath()
  ctx.moveTo(plot.valToPos(0, "x", true), plot.valToPos(0, "y", true))
  ctx.lineTo(plot.valToPos(1, "x", true), plot.valToPos(1, "y", true))
  ctx.setLineDash([readPixelRatio(), 4 * readPixelRatio()])
  ctx.lineWidth = 3 * readPixelRatio()
  ctx.strokeStyle = colors.edge
  ctx.stroke()
  ctx.restore()
}

function drawPoints(plot, colors, bins) {
  const most = Math.max(...bins.map((bin) => bin.n))
  for (const bin of bins) {
    const radius = (SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(bin.n / most)) * readPixelRatio()
    fillMarker(plot.ctx, plot.valToPos(bin.mean_confidence, "x", true), plot.valToPos(bin.accuracy, "y", true), 0, colors.series[0], radius)
  }
}

function drawTable(answer, score) {
  const { format, title } = describeScore(score)
  const row = (bin) => h("tr", null,
    h("th", { scope: "row" }, `${format(bin.lo)} – ${format(bin.hi)}`),
    [formatCount(bin.n), bin.n ? format(bin.mean_confidence) : "–", bin.n ? formatProbability(bin.accuracy) : "–"].map((text) => h("td", { class: "number" }, text)))
  return h("details", null, h("summary", null, "Diagram as a table"),
    h("table", null, h("caption", null, `Answers with an outcome, by ${title}`),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Score"), ["Answers", "Mean score", "Correct"].map((name) => h("th", { scope: "col", class: "number" }, name)))),
      h("tbody", null, answer.bins.map(row))))
}

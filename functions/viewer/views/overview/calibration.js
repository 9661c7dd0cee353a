// Calibration: of answers with a recorded outcome, how often those of a given score turned out right.

import { drawChart, drawSample, fillMarker, makeAxis, makeLine, readPixelRatio } from "../../lib/chart.js"
import { h } from "../../lib/dom.js"
import { formatCount, formatNumber, formatProbability } from "../../lib/format.js"
import { describeScore } from "./scores.js"

const [SMALLEST, LARGEST] = [3, 9]

/** What GET /v1/confidence/calibration says; below the least number of outcomes, only its sentence. */
export function drawCalibration(answer, score, signal) {
  const sentence = h("p", { class: answer.enough ? "faint" : "note" }, `Mind: ${answer.message}.`)
  if (!answer.enough) return [sentence, h("p", { class: "faint" }, "An outcome says whether an answer turned out right: a test, a person or another model records it (POST /logs/{id}/outcome).")]
  return [drawWords(answer), answer.bins ? drawDiagram(answer, score, signal) : null, sentence, answer.bins ? drawTable(answer, score) : null].filter(Boolean)
}

function drawWords({ n, auroc, ece, mce, brier }) {
  const parts = [`${formatCount(n)} outcomes.`]
  if (auroc !== null) parts.push(`An answer that was right scores as surer than one that was wrong in ${Math.round(auroc * 100)} of 100 pairs (AUROC ${formatNumber(auroc)}; 50 would be worthless).`)
  if (ece !== null) parts.push(`Taken as a chance of being right, the score is off by ${Math.round(ece * 100)} points on average (ECE), at most by ${Math.round(mce * 100)} (MCE); Brier score ${formatNumber(brier)}.`)
  return h("p", null, parts.join(" "))
}

function drawDiagram(answer, score, signal) {
  const bins = answer.bins.filter((bin) => bin.n)
  const { title } = describeScore(score)
  const label = `Reliability diagram of ${title}: ${bins.map((bin) => `${formatProbability(bin.accuracy)} right at ${formatProbability(bin.mean_confidence)}`).join(", ")}.`
  return h("figure", null,
    drawChart({ label, height: 220, make: (colours) => makeOptions(colours, bins, title), signal }),
    h("figcaption", null, drawSample(0), " share of answers that were right, larger where there are more; ", drawSample(null), " where it would equal the score"))
}

function makeOptions(colours, bins, title) {
  const percent = (_, splits) => splits.map((value) => `${Math.round(value * 100)} %`)
  return {
    data: [bins.map((bin) => bin.mean_confidence), bins.map((bin) => bin.accuracy)],
    scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
    axes: [makeAxis(colours, { values: percent, label: title, labelSize: 20 }), makeAxis(colours, { size: 52, space: 40, values: percent, label: "were right", labelSize: 20 })],
    series: [{}, makeLine(colours, 0)],
    cursor: { show: false },
    hooks: { drawClear: [(plot) => drawDiagonal(plot, colours)], draw: [(plot) => drawPoints(plot, colours, bins)] },
  }
}

function drawDiagonal(plot, colours) {
  const { ctx } = plot
  ctx.save()
  ctx.beginPath()
  ctx.moveTo(plot.valToPos(0, "x", true), plot.valToPos(0, "y", true))
  ctx.lineTo(plot.valToPos(1, "x", true), plot.valToPos(1, "y", true))
  ctx.setLineDash([readPixelRatio(), 4 * readPixelRatio()])
  ctx.lineWidth = 3 * readPixelRatio()
  ctx.strokeStyle = colours.edge
  ctx.stroke()
  ctx.restore()
}

function drawPoints(plot, colours, bins) {
  const most = Math.max(...bins.map((bin) => bin.n))
  for (const bin of bins) {
    const radius = (SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(bin.n / most)) * readPixelRatio()
    fillMarker(plot.ctx, plot.valToPos(bin.mean_confidence, "x", true), plot.valToPos(bin.accuracy, "y", true), 0, colours.series[0], radius)
  }
}

function drawTable(answer, score) {
  const { format, title } = describeScore(score)
  const row = (bin) => h("tr", null,
    h("th", { scope: "row" }, `${format(bin.lo)} – ${format(bin.hi)}`),
    [formatCount(bin.n), bin.n ? format(bin.mean_confidence) : "–", bin.n ? formatProbability(bin.accuracy) : "–"].map((text) => h("td", { class: "number" }, text)))
  return h("details", null, h("summary", null, "The diagram, as a table"),
    h("table", null, h("caption", null, `Answers with an outcome, by ${title}`),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Score"), ["Answers", "Mean score", "Were right"].map((name) => h("th", { scope: "col", class: "number" }, name)))),
      h("tbody", null, answer.bins.map(row))))
}

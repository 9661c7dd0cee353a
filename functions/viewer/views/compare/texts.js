// Both texts side by side, colored by surprisal, or as a table.

import { h, replace } from "../../lib/dom.js"
import { describeProbability, describeSurprisal, formatAmount, formatCount, nameToken, showWhitespace } from "../../lib/format.js"
import { describeForced } from "../../lib/mods.js"
import { MAX_NATS, scaleClass } from "../../lib/scale.js"
import { doubtOf } from "../../lib/scores.js"
import { drawTable } from "./table.js"

/** A common run of at least this many tokens gets its own row; a shorter one stays within the differences around it. */
const ENOUGH_TO_PART = 4
/** The maximum number of tokens in a row. The browser skips the layout of rows outside the viewport. */
const MAX_ROW = 60

/** Draw the section with both texts; `alignment` is the result of align(). */
export function drawTexts(a, b, alignment, identity) {
  const container = h("div")
  const views = { Text: () => drawColumns(a, b, alignment), Table: () => drawTable(a, b, alignment.runs) }
  const buttons = Object.keys(views).map((name) => h("button", { "aria-pressed": "false", onclick: () => choose(name) }, name))
  const choose = (name) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.textContent === name))
    replace(container, views[name]())
  }
  const goThere = () => {
    choose("Text")
    const parting = container.querySelector(".parting")
    parting?.scrollIntoView({ block: "center" })
    parting?.closest(".run")?.focus({ preventScroll: true })
  }
  choose("Text")
  return h("section", { "aria-labelledby": "texts" },
    h("div", { class: "texts-head" },
      h("h2", { id: "texts" }, "Both texts"),
      h("div", { class: "choice", role: "group", "aria-label": "Show as" }, buttons),
      alignment.isEqual ? null : h("button", { onclick: goThere }, "Go to the first difference"),
      drawLegend()),
    h("p", { class: "faint" }, countCommon(a, b, alignment.runs), " ", identity.sentence),
    drawLimit(a, b, alignment.gaveUpAt),
    container)
}

function countCommon(a, b, runs) {
  const common = runs.filter((run) => run.isSame).reduce((total, run) => total + run.a[1] - run.a[0], 0)
  return `${formatAmount(common, "token")} in common, of ${formatCount(a.tokens.length)} in ${a.letter} and ${formatCount(b.tokens.length)} in ${b.letter}.`
}

function drawLimit(a, b, gaveUpAt) {
  if (!gaveUpAt) return null
  const [one, other] = gaveUpAt.map((position) => formatCount(position + 1))
  return h("p", { class: "note" },
    `The texts differ too much: alignment stopped at token ${one} of ${a.letter} and token ${other} of ${b.letter}. ` +
      "After that, only the common ending is aligned.")
}

function drawLegend() {
  const steps = Array.from({ length: MAX_NATS + 1 }, (_, nats) => h("span", { class: `swatch ${scaleClass(nats)}` }, nats === MAX_NATS ? `${nats}+` : nats))
  return h("p", { class: "legend" }, "surprisal, nats: ", steps, " ",
    h("span", { class: "swatch scale-unknown" }, "?"), " unknown ",
    h("span", { class: "token is-forced" }, "⚑forced"), " by a mod ",
    h("b", null, "bold"), " differs")
}

function drawColumns(a, b, alignment) {
  const known = new WeakMap()
  return h("div", { class: "runs", onpointerover: (event) => explain(event.target, known) },
    h("div", { class: "run run-head" }, h("div", null, h("span", { class: "side" }, a.letter), " ", a.id), h("div"), h("div", null, h("span", { class: "side" }, b.letter), " ", b.id)),
    toRows(alignment.runs).map((row) => drawRow(row, a, b, alignment.common, known)))
}

/** Turn runs into rows: merge short common runs into the differences around them, and split long rows. */
function toRows(runs) {
  const rows = []
  runs.forEach((run, index) => {
    const isBetween = index > 0 && index < runs.length - 1
    const isSame = run.isSame && (!isBetween || run.a[1] - run.a[0] >= ENOUGH_TO_PART)
    if (!isSame && rows.length && !rows.at(-1).isSame) rows.at(-1).runs.push(run)
    else rows.push({ isSame, runs: [run] })
  })
  return rows.flatMap(cut)
}

function cut(row) {
  const rows = []
  let size = MAX_ROW
  for (const run of row.runs.flatMap(cutRun)) {
    const length = Math.max(run.a[1] - run.a[0], run.b[1] - run.b[0])
    if (size + length > MAX_ROW) {
      rows.push({ isSame: row.isSame, runs: [] })
      size = 0
    }
    rows.at(-1).runs.push(run)
    size += length
  }
  return rows
}

function cutRun({ isSame, a, b }) {
  const count = Math.max(1, Math.ceil(Math.max(a[1] - a[0], b[1] - b[0]) / MAX_ROW))
  const piece = ([from, to], index) => [Math.min(from + index * MAX_ROW, to), Math.min(from + (index + 1) * MAX_ROW, to)]
  return Array.from({ length: count }, (_, index) => ({ isSame, a: piece(a, index), b: piece(b, index) }))
}

function drawRow(row, a, b, common, known) {
  const first = row.runs[0]
  const isParting = !row.isSame && first.a[0] === common && first.b[0] === common
  const side = (trace, name) => h("div", { class: "run-text" }, row.runs.map((run) => drawTokens(trace, run[name], run.isSame, common, known)))
  const mark = row.isSame ? h("div", { class: "run-mark", title: "the same" }, "=") : h("div", { class: "run-mark" }, "≠", isParting ? h("small", null, "first") : null)
  return h("div", { class: row.isSame ? "run" : `run differs${isParting ? " is-first" : ""}`, tabindex: isParting ? -1 : null }, side(a, "a"), mark, side(b, "b"))
}

function drawTokens(trace, [from, to], isSame, common, known) {
  return trace.tokens.slice(from, to).map((token) => {
    const element = h("span", { class: nameClasses(token, isSame, common) }, drawText(token, trace.tokens[token.index - 1]))
    known.set(element, token)
    return element
  })
}

function nameClasses(token, isSame, common) {
  const classes = ["token", scaleClass(doubtOf(token))]
  if (token.forced) classes.push("is-forced")
  if (!isSame) classes.push("is-different")
  if (token.index === common) classes.push("parting")
  return classes.join(" ")
}

// Mark the first token of a forced run with a flag.
function drawText(token, before) {
  const text = token.text === null ? nameToken(token) : showWhitespace(token.text)
  return token.forced && !before?.forced ? `⚑${text}` : text
}

// Set a token's tooltip only when the user points at it; the table describes every token.
function explain(element, known) {
  const token = known.get(element)
  if (token && !element.title) element.title = describe(token)
}

function describe(token) {
  return [
    `token ${token.index + 1}: ${nameToken(token)}`,
    `probability ${describeProbability(token)}, surprisal ${describeSurprisal(token)}`,
    token.forced ? describeForced(token) : null,
  ].filter(Boolean).join("\n")
}

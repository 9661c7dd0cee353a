// The head of a request's page: its facts, confidence, least confident words and part.

import { h, replace } from "../../lib/dom.js"
import { describeProbability, describeSurprisal, formatCount, formatNats, formatNumber, formatProbability, formatTime, nameToken, showWhitespace } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"
import { drawBar } from "../../lib/parts.js"
import { nameLowest, nameSpan } from "./lowest.js"
import { listDoubtfulWords } from "./words.js"

const MOST_WORDS = 5
const EXCERPT_CHARS = 120
const ABOUT_CONFIDENCE = [
  "Confidence is the geometric mean of the probabilities that the model gave to the tokens of its answer, from 0 % to 100 %.",
  "It depends on the model and the kind of prompt, so compare it with other requests of the same model: the percentile is the share of them with a lower confidence.",
  "It measures how certain the model was, not whether the answer is correct.",
]
const ABOUT_WORDS = [
  "The words with the tokens that the model gave the lowest probabilities, and that probability. If a word has several tokens, the least likely one is bold.",
  "A word that has synonyms is often unlikely, although the model is certain of the meaning.",
]
const ABOUT_LOWEST = [
  "The part of the answer in which the model was least certain, measured by the mean token confidence in nats: lower is less confident. Compare it with the mean of the whole answer.",
]

/** Draw the facts of a request in one line. `hasLinks` is whether the reader can open the feed. */
export function drawFacts(log, hasLinks) {
  const link = (name, value, text) => (hasLinks ? h("a", { href: `/?${new URLSearchParams({ [name]: value })}` }, text) : text)
  const facts = [
    log.model_id === null ? "unknown model" : link("model", log.model_id, log.model_id),
    h("time", { datetime: log.created_ts }, formatTime(log.created_ts)),
    log.source,
    log.group_id ? link("group_id", log.group_id, `group ${log.group_id}`) : null,
    log.active_mod ? link("mod", log.active_mod.name, `mod ${nameMod(log.active_mod.name)}`) : "no mod",
    log.total_steps === 1 ? "1 forward pass" : `${formatCount(log.total_steps)} forward passes`,
    log.user_api_key ? `user ${log.user_api_key}` : null,
    log.revision > 1 ? `posted ${log.revision} times` : null,
  ]
  return h("p", { class: "facts" }, facts.filter(Boolean).map((fact, index) => [index ? " · " : null, h("span", null, fact)]))
}

/**
 * Draw the cards with the numbers: {element, redraw()}; `redraw` follows a change of the window.
 *
 * `onLowest()` goes to the least confident part, `onToken(index)` to a token. `standing` is the line with the percentile.
 */
export function drawFigures(trace, { onLowest, onToken, standing }) {
  const lowest = h("div")
  const redraw = () => replace(lowest, drawLowest(trace, onLowest))
  redraw()
  return { element: h("div", { class: "figures" }, drawConfidence(trace.log, standing), drawCalibrated(trace.log), drawWords(trace, onToken), lowest, drawCoverage(trace)), redraw }
}

function drawTitle(name, about) {
  const help = about && h("details", { class: "help", ontoggle: ({ target }) => target.open && target.parentElement.scrollIntoView({ block: "nearest" }) }, h("summary", { "aria-label": `What does ${name.toLowerCase()} mean?` }, "?"), h("div", null, about.map((text) => h("p", null, text))))
  return h("div", { class: "heading" }, h("h2", null, name), help)
}

function drawConfidence(log, standing) {
  const isBound = log.sequence_confidence_is_bound === true
  return h("div", { class: "confidence" }, drawTitle("Confidence", ABOUT_CONFIDENCE),
    h("p", { class: "figure" }, formatProbability(log.sequence_confidence, { isBound })),
    h("span", { class: "track" }, drawBar(log.sequence_confidence ?? 0, { class: isBound ? "bar is-bound" : "bar", "aria-hidden": "true" })),
    standing)
}

// Null until a calibrator applies.
function drawCalibrated({ p_correct: value, calibrator }) {
  if (value === null || value === undefined) return null
  return h("div", null, drawTitle("Probability of a correct answer"),
    h("p", { class: "figure" }, formatProbability(value)),
    h("p", { class: "faint" }, `calibrator ${calibrator.id}, version ${calibrator.version}; the share of correct answers among labeled requests with such a score`))
}

function drawLowest(trace, onLowest) {
  const { lowest, tokens } = trace
  const title = drawTitle(nameLowest(trace), ABOUT_LOWEST)
  if (!lowest) return [title, h("p", { class: "figure" }, "unknown"), h("p", { class: "faint" }, "no sampled token has a score")]
  const token = lowest.kind === "token" ? tokens[lowest.first] : null
  return [
    title,
    h("p", { class: "excerpt", dir: "auto" }, excerptOf(trace)),
    h("p", { class: "faint" }, token
      ? `${nameSpan(lowest)}: ${describeSurprisal(token)}, ${describeProbability(token)}`
      : `${nameSpan(lowest)}: ${formatNats(lowest.confidence)}; whole answer: ${formatNumber(trace.mean)}`),
    h("button", { class: "primary", onclick: onLowest }, `Go to the ${nameLowest(trace).toLowerCase()}`),
  ]
}

function excerptOf({ lowest, tokens }) {
  const part = tokens.slice(lowest.first, lowest.last + 1).filter((token) => !token.discarded)
  if (part.length === 1) return nameToken(part[0])
  return showWhitespace(part.map((token) => token.text ?? "").join("").trim().slice(0, EXCERPT_CHARS))
}

function drawWords({ tokens }, onToken) {
  const words = listDoubtfulWords(tokens, MOST_WORDS)
  if (!words.length) return null
  return h("div", { class: "words" }, drawTitle("Least confident words", ABOUT_WORDS), h("p", { class: "least-likely" }, words.map(({ token, before, after }) =>
    h("button", { onclick: () => onToken(token.index), "aria-label": `Token ${token.index + 1}, ${before}${textOf(token)}${after}, ${describeProbability(token)}` },
      h("code", null, before, before || after ? h("b", null, textOf(token)) : textOf(token), after), ` ${describeProbability(token)}`))))
}

function textOf(token) {
  return nameToken({ id: token.id, text: token.text?.trim() || token.text })
}

function drawCoverage({ tokens }) {
  const count = (test) => tokens.filter(test).length
  const isDrawn = (token) => !token.forced && !token.discarded
  const rows = [
    ["sampled by the model", count(isDrawn)],
    ["… in their top-k list", count((token) => isDrawn(token) && token.rank !== null)],
    ["forced by mods", count((token) => token.forced)],
    ["discarded by backtracks", count((token) => token.discarded)],
  ]
  return h("div", null, drawTitle(tokens.length === 1 ? "1 token" : `${formatCount(tokens.length)} tokens`),
    h("dl", { class: "coverage" }, rows.map(([name, number]) => h("div", null, h("dt", null, name), h("dd", null, formatCount(number))))))
}

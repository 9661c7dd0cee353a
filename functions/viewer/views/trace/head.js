// The head of a request's page: its facts, confidence, least confident part and prompt.

import { h, replace } from "../../lib/dom.js"
import { formatAmount, formatCount, formatNats, formatProbability, formatTime, nameToken } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"
import { rankByDoubt } from "../../lib/scores.js"
import { nameLowest, nameSpan } from "./lowest.js"
import { describeProbability, describeSurprisal } from "./modes.js"

const LEAST_LIKELY = 5

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
  return { element: h("div", { class: "figures" }, drawConfidence(trace.log, standing), drawCalibrated(trace.log), lowest, drawLeastLikely(trace, onToken), drawCoverage(trace)), redraw }
}

function drawConfidence(log, standing) {
  const isBound = log.sequence_confidence_is_bound === true
  const bar = h("span", { class: isBound ? "bar is-bound" : "bar", "aria-hidden": "true" })
  bar.style.setProperty("--share", `${(log.sequence_confidence ?? 0) * 100}%`)
  return h("div", { class: "confidence" }, h("h2", null, "Confidence"),
    h("p", { class: "figure" }, formatProbability(log.sequence_confidence, { isBound })),
    h("span", { class: "track" }, bar),
    standing ?? h("p", { class: "faint" }, "geometric mean of the token probabilities; not the probability of a right answer"))
}

// Null until a calibrator applies.
function drawCalibrated({ p_correct: value, calibrator }) {
  if (value === null || value === undefined) return null
  return h("div", null, h("h2", null, "Probability of a correct answer"),
    h("p", { class: "figure" }, formatProbability(value)),
    h("p", { class: "faint" }, `calibrator ${calibrator.id}, version ${calibrator.version}; the share of correct answers among labelled requests with such a score`))
}

function drawLowest(trace, onLowest) {
  const { lowest, tokens } = trace
  if (!lowest) return [h("h2", null, nameLowest(trace)), h("p", { class: "figure" }, "unknown"), h("p", { class: "faint" }, "no sampled token has a score")]
  const token = lowest.kind === "token" ? tokens[lowest.first] : null
  const meaning = token ? `surprisal of ${nameSpan(lowest)}, ${describeProbability(token)}` : `mean token confidence of ${nameSpan(lowest)} (${lowest.size} sampled tokens); lower is less confident`
  return [
    h("h2", null, nameLowest(trace)),
    h("p", { class: "figure" }, token ? describeSurprisal(token) : formatNats(lowest.confidence)),
    h("button", { class: "primary", onclick: onLowest }, `Go to the ${nameLowest(trace).toLowerCase()}`),
    h("p", { class: "faint" }, meaning),
  ]
}

/** Draw buttons that go to the least likely sampled tokens. */
function drawLeastLikely({ tokens }, onToken) {
  const least = rankByDoubt(tokens).slice(0, LEAST_LIKELY)
  if (!least.length) return null
  return h("div", null, h("h2", null, "Least likely tokens"), h("p", { class: "least-likely" }, least.map((token) =>
    h("button", { onclick: () => onToken(token.index), "aria-label": `Token ${token.index + 1}, ${nameToken(token)}, ${describeProbability(token)}` },
      h("code", null, nameToken(token)), ` ${describeProbability(token)}`))))
}

function drawCoverage({ tokens }) {
  const drawn = tokens.filter((token) => !token.forced && !token.discarded)
  const rows = [
    ["sampled by the model", drawn.length],
    ["… in their top-k list", drawn.filter((token) => token.rank !== null).length],
    ["forced by mods", tokens.filter((token) => token.forced).length],
    ["discarded by backtracks", tokens.filter((token) => token.discarded).length],
  ]
  return h("div", null, h("h2", null, formatAmount(tokens.length, "token")),
    h("dl", { class: "coverage" }, rows.map(([name, count]) => h("div", null, h("dt", null, name), h("dd", null, count)))))
}

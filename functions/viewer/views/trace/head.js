// The head of a request's page: its facts, confidence, least confident window and prompts.

import { h } from "../../lib/dom.js"
import { formatAmount, formatCount, formatNats, formatProbability, formatTime, nameToken } from "../../lib/format.js"
import { MODES, describeProbability } from "./modes.js"

const LEAST_LIKELY = 5

/** "tokens 3 to 34", "token 3". */
export function nameSpan({ first, last }) {
  return first === last ? `token ${first + 1}` : `tokens ${first + 1} to ${last + 1}`
}

/** Draw the head. `onLowest()` goes to the least confident window, `onToken(index)` to a token. */
export function drawHead(trace, { onLowest, onToken, hasLinks }) {
  const { log } = trace
  return h("header", { class: "trace-head" },
    h("h1", null, log.request_id),
    h("p", { class: "facts" }, drawFacts(log, hasLinks)),
    h("div", { class: "verdict" }, drawConfidence(log), drawCalibrated(log), drawLowest(trace, onLowest), drawCoverage(trace)),
    drawLeastLikely(trace, onToken),
    log.error ? h("p", { class: "bad" }, `⚠ The call failed: ${log.error}`) : null,
    log.warnings.map((warning) => h("p", { class: "faint" }, `⚠ ${warning}`)),
    drawPrompts(log))
}

function drawFacts(log, hasLinks) {
  const facts = [
    log.model_id ?? "unknown model",
    h("time", { datetime: log.created_ts }, formatTime(log.created_ts)),
    log.source,
    log.group_id ? h("a", { href: `/?${new URLSearchParams({ group_id: log.group_id })}` }, `group ${log.group_id}`) : null,
    log.active_mod ? `mod ${log.active_mod.name}` : "no mod",
    log.total_steps === 1 ? "1 forward pass" : `${formatCount(log.total_steps)} forward passes`,
    log.user_api_key ? `user ${log.user_api_key}` : null,
    log.revision > 1 ? `posted ${log.revision} times` : null,
    hasLinks ? h("a", { href: `/compare?a=${encodeURIComponent(log.request_id)}` }, "Compare with another") : null,
  ]
  return facts.filter(Boolean).flatMap((fact, index) => (index ? [" · ", fact] : [fact]))
}

function drawConfidence(log) {
  const isBound = log.sequence_confidence_is_bound === true
  const bar = h("span", { class: isBound ? "bar is-bound" : "bar", "aria-hidden": "true" })
  bar.style.setProperty("--share", `${(log.sequence_confidence ?? 0) * 100}%`)
  return h("div", null, h("h2", null, "Confidence"),
    h("p", { class: "figure" }, formatProbability(log.sequence_confidence, { isBound })),
    h("span", { class: "track" }, bar),
    h("p", { class: "faint" }, "geometric mean of the token probabilities; not the probability of a right answer"))
}

// Null until a calibrator applies.
function drawCalibrated({ p_correct: value, calibrator }) {
  if (value === null || value === undefined) return null
  return h("div", null, h("h2", null, "Probability of a correct answer"),
    h("p", { class: "figure" }, formatProbability(value)),
    h("p", { class: "faint" }, `calibrator ${calibrator.id}, version ${calibrator.version}; the share of correct answers among labelled requests with such a score`))
}

function drawLowest({ lowest }, onLowest) {
  return h("div", null, h("h2", null, "Least confident window"),
    h("p", { class: "figure" }, formatNats(lowest?.confidence)),
    lowest ? h("button", { class: "primary", onclick: onLowest }, "Go to the least confident window") : null,
    h("p", { class: "faint" }, lowest
      ? `mean token confidence of ${nameSpan(lowest)}`
      : "no sampled token has a top-k list"))
}

/** Draw buttons that go to the least likely sampled tokens. */
function drawLeastLikely({ tokens }, onToken) {
  const doubtOf = MODES.surprisal.read
  const drawn = tokens.filter((token) => !token.forced && !token.discarded && doubtOf(token) !== null)
  const least = drawn.sort((one, other) => doubtOf(other) - doubtOf(one)).slice(0, LEAST_LIKELY)
  if (!least.length) return null
  return h("p", { class: "least-likely" }, "Least likely tokens: ", least.map((token) =>
    h("button", { onclick: () => onToken(token.index), "aria-label": `Token ${token.index + 1}, ${nameToken(token)}, ${describeProbability(token)}` },
      h("code", null, nameToken(token)), ` ${describeProbability(token)}`)))
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

function drawPrompts(log) {
  const prompts = [["System prompt", log.system_prompt], ["Prompt", log.user_prompt], ["Formatted prompt", log.formatted_prompt]]
  return h("div", { class: "prompts" }, prompts.filter(([, text]) => text).map(([name, text]) =>
    h("details", { open: name === "Prompt" && text.length < 300 }, h("summary", null, name), h("pre", { dir: "auto" }, text))))
}

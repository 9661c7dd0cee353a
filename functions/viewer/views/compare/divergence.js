// The first difference between two texts: both tokens, their causes, and the probability of each token in each request.

import { h } from "../../lib/dom.js"
import { formatCount, formatProbability, nameToken } from "../../lib/format.js"
import { describeForced } from "../../lib/mods.js"
import { drawBars, drawShare, drawTable } from "../../lib/parts.js"
import { findIn, measureMissing } from "../../lib/scores.js"
import { placeIn } from "./trace.js"

const SHOWN = 6

/** Draw the first difference, which follows `common` equal tokens. */
export function drawDivergence(a, b, common, identity) {
  const [one, other] = [a.tokens[common] ?? null, b.tokens[common] ?? null]
  if (!one && !other) return drawNone(common)
  const sides = [[a.letter, one], [b.letter, other]]
  return h("section", { class: "divergence", "aria-labelledby": "divergence" },
    h("h2", { id: "divergence" }, `First difference: token ${formatCount(common + 1)}`),
    a.discarded || b.discarded ? h("p", { class: "faint" }, "Discarded tokens are not counted.") : null,
    h("p", null, describe(a, b, common), " ", describeContext(a, b, common)),
    h("div", { class: "parts" },
      drawMatrix(sides, identity),
      sides.map(([letter, token]) => drawList(letter, token, Object.fromEntries(sides), identity))))
}

function drawNone(count) {
  const sentence = count ? `Both have the same ${formatCount(count)} tokens.` : "Neither has any tokens."
  return h("section", { class: "divergence", "aria-labelledby": "divergence" },
    h("h2", { id: "divergence" }, "No difference"), h("p", null, sentence))
}

function describe(a, b, common) {
  const [one, other] = [a.tokens[common], b.tokens[common]]
  const begin = common ? `The first ${common === 1 ? "token is" : `${formatCount(common)} tokens are`} the same. ` : ""
  if (!common && !(one && other)) return `${(one ? b : a).letter} has no tokens.`
  if (!one) return `${begin}Then ${a.letter} ends and ${b.letter} continues.`
  if (!other) return `${begin}Then ${b.letter} ends and ${a.letter} continues.`
  return common ? `${begin}Then they differ.` : "They differ from the first token."
}

/** Explain the difference: the model, the prompts, a mod, or sampling. */
function describeContext(a, b, common) {
  const [one, other] = [a, b].map(({ log }) => log.formatted_prompt ?? `${log.system_prompt ?? ""}\n${log.user_prompt ?? ""}`)
  if (a.log.model_id !== b.log.model_id) return "The models differ."
  if (one !== other) return "The prompts differ, so the model had different input."
  const [first, second] = [a.tokens[common], b.tokens[common]]
  if (first?.forced || second?.forced) return "The prompts are the same; a mod intervened here."
  if (first?.adjusted || second?.adjusted) return "The prompts are the same; a mod changed the logits here."
  const settings = listDifferent(a.log.sampling, b.log.sampling)
  if (settings.length) return `The prompts are the same; the settings differ: ${settings.join(", ")}.`
  return "The prompts are the same too, so sampling caused the difference."
}

/** List the sampling settings that differ: "temperature 0.2 and 0.7". */
function listDifferent(one, other) {
  const names = [...new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})])].filter((name) => one?.[name] !== other?.[name])
  return names.map((name) => `${name} ${one?.[name] ?? "not given"} and ${other?.[name] ?? "not given"}`)
}

function drawMatrix(sides, { keyOf }) {
  const find = (token, reader) => (token === reader ? placeOwn(token) : placeIn(reader?.list, token, keyOf))
  const row = (letter, token) => h("tr", null,
    h("th", { scope: "row" }, h("span", { class: "side" }, letter), " has ", drawToken(token), h("br"), drawCause(token)),
    sides.map(([, reader]) => drawScore(token, reader, find(token, reader))))
  const heads = sides.map(([letter]) => h("th", { scope: "col" }, "In ", h("span", { class: "side" }, letter)))
  return drawTable({ class: "matrix", caption: "Probability of each token in both requests, before temperature and mods", heads: ["Token", ...heads] },
    sides.map(([letter, token]) => token && row(letter, token)))
}

// Look up a token in its own list by id, whatever the other request's vocabulary is; by text if it has no id.
function placeOwn(token) {
  const found = token ? findIn(token.list, token) : null
  return placeIn(token?.list, token ?? {}, (one) => (one === token || one === found ? "own" : found ? null : (one.id ?? one.text)))
}

function drawToken(token) {
  return h("code", { class: "token-text" }, nameToken(token))
}

function drawCause(token) {
  if (token.forced) return h("span", { class: "cause" }, `⚑ ${describeForced(token)}`)
  return h("span", { class: "cause" }, token.adjusted ? "sampled after a mod changed the logits" : "sampled from the model")
}

function drawScore(token, reader, found) {
  const own = token === reader ? "own" : null
  const cell = (...children) => h("td", { class: own }, children)
  if (found.rank) return cell(h("strong", null, `rank ${found.rank}`), h("br"), formatProbability(found.prob))
  if (found.isMasked) return cell(h("strong", null, "masked"), h("br"), "excluded before sampling")
  if (found.bound !== undefined) return cell(h("strong", null, `not in top ${found.k}`), h("br"), formatProbability(found.bound, { isBound: true }))
  if (reader?.list) return cell("unknown: the trace has no text or id for this token")
  return cell(reader ? "unknown: no top-k list (inside a forced run)" : "the text ended before this token")
}

function drawList(letter, token, writers, { keyOf }) {
  const heading = h("h3", null, h("span", { class: "side" }, letter), " Top-k list")
  if (!token?.list) return h("div", { class: "list" }, heading, h("p", { class: "faint" }, token ? "No top-k list." : "The text ended before this token."))
  const shown = chooseShown(token.list, Object.values(writers), keyOf)
  return h("div", { class: "list" }, heading,
    drawBars({ "aria-label": `Most likely tokens in ${letter}`, heads: ["Rank", "Token", "Probability", "Bar"] },
      [shown.map((entry) => drawEntry(entry, token.list, writers, keyOf)), drawOthers(token.list, shown)]))
}

// Choose the first entries, and the tokens of both requests wherever they are in the list.
function chooseShown(list, written, keyOf) {
  const keys = new Set(written.filter(Boolean).map(keyOf).filter((key) => key !== null))
  return list.filter((entry, index) => entry.logprob !== null && (index < SHOWN || keys.has(keyOf(entry))))
}

function drawEntry(entry, list, writers, keyOf) {
  const wrote = Object.entries(writers).filter(([, token]) => token && keyOf(entry) !== null && keyOf(token) === keyOf(entry))
  const prob = Math.exp(entry.logprob)
  return h("tr", { class: wrote.length ? "chosen" : null },
    h("td", { class: "number" }, `${placeIn(list, entry, keyOf).rank ?? list.indexOf(entry) + 1}.`),
    h("td", null, drawToken(entry), wrote.map(([letter]) => h("span", { class: "wrote" }, `← ${letter}`))),
    drawShare(formatProbability(prob), prob))
}

function drawOthers(list, shown) {
  const rest = measureMissing(list) + list.filter((entry) => !shown.includes(entry) && entry.logprob !== null)
    .reduce((total, entry) => total + Math.exp(entry.logprob), 0)
  return h("tr", { class: "others" }, h("td"), h("td", null, "all others"), drawShare(formatProbability(rest), rest))
}

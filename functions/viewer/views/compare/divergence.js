// The place where two texts part: who wrote what, and how sure the model was of either token, in either request.

import { h } from "../../lib/dom.js"
import { formatCount, formatProbability, nameToken } from "../../lib/format.js"
import { findIn, measureMissing } from "../../lib/scores.js"
import { placeIn } from "./trace.js"

const SHOWN = 6

/** `common` tokens are the same; what comes next is the difference. */
export function drawDivergence(a, b, common, identity) {
  const [one, other] = [a.tokens[common] ?? null, b.tokens[common] ?? null]
  if (!one && !other) return drawNone(common)
  return h("section", { class: "divergence", "aria-labelledby": "divergence" },
    h("h2", { id: "divergence" }, `First difference: token ${formatCount(common + 1)}`),
    a.discarded || b.discarded ? h("p", { class: "faint" }, "Discarded tokens are not counted here.") : null,
    h("p", null, describe(one, other, common), " ", describeContext(a, b, common)),
    h("div", { class: "parts" },
      drawMatrix(one, other, identity),
      [["A", one], ["B", other]].map(([letter, token]) => drawList(letter, token, { A: one, B: other }, identity))))
}

function drawNone(count) {
  const sentence = count ? `Both have the same ${formatCount(count)} tokens.` : "Neither has a token."
  return h("section", { class: "divergence", "aria-labelledby": "divergence" },
    h("h2", { id: "divergence" }, "No difference"), h("p", null, sentence))
}

function describe(one, other, common) {
  const begin = common ? `The first ${common === 1 ? "token is" : `${formatCount(common)} tokens are`} the same. ` : "They differ from the first token on. "
  if (!one) return `${begin}Then A ends, and B goes on.`
  if (!other) return `${begin}Then B ends, and A goes on.`
  return `${begin}Then each goes its own way.`
}

/** Whether the model had read the same in both, which decides what the two lists can tell. */
function describeContext(a, b, common) {
  const [one, other] = [a, b].map(({ log }) => log.formatted_prompt ?? `${log.system_prompt ?? ""}\n${log.user_prompt ?? ""}`)
  if (a.log.model_id !== b.log.model_id) return "The models differ."
  if (one !== other) return "The prompts differ, so the model had not read the same."
  const [first, second] = [a.tokens[common], b.tokens[common]]
  if (first?.forced || second?.forced) return "The prompts are the same: a mod stepped in here."
  if (first?.adjusted || second?.adjusted) return "The prompts are the same: a mod changed the logits here."
  return "The prompts are the same too, so the draw parted them."
}

function drawMatrix(one, other, { keyOf }) {
  const place = (token, reader) => (token === reader ? placeOwn(token) : placeIn(reader?.list, token, keyOf))
  const row = (letter, token) => h("tr", null,
    h("th", { scope: "row" }, h("span", { class: "side" }, letter), " has ", drawToken(token), h("br"), drawCause(token)),
    [one, other].map((reader) => drawPlace(token, reader, place(token, reader))))
  return h("table", { class: "matrix" },
    h("caption", null, "How likely each token was to the model, before temperature and mods"),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Token"), ["A", "B"].map((letter) => h("th", { scope: "col" }, "In ", h("span", { class: "side" }, letter))))),
    h("tbody", null, one && row("A", one), other && row("B", other)))
}

// Within one request an id says it all, whatever the other's vocabulary; where there is none, the text does.
function placeOwn(token) {
  const found = token ? findIn(token.list, token) : null
  return placeIn(token?.list, token ?? {}, (one) => (one === token || one === found ? "own" : found ? null : (one.id ?? one.text)))
}

function drawToken(token) {
  return h("code", { class: "token-text" }, nameToken(token))
}

function drawCause(token) {
  if (token.forced) return h("span", { class: "cause" }, `⚑ forced by ${token.forcedBy ?? "a mod"}`)
  return h("span", { class: "cause" }, token.adjusted ? "drawn, after a mod changed the logits" : "drawn from the model")
}

function drawPlace(token, reader, place) {
  const own = token === reader ? "own" : null
  const cell = (...children) => h("td", { class: own }, children)
  if (place.rank) return cell(h("strong", null, `rank ${place.rank}`), h("br"), formatProbability(place.prob))
  if (place.isMasked) return cell(h("strong", null, "masked"), h("br"), "ruled out before the list was taken")
  if (place.bound !== undefined) return cell(h("strong", null, `not among the top ${place.k}`), h("br"), formatProbability(place.bound, { isBound: true }))
  if (reader?.list) return cell("unknown: the trace does not tell this token's text or id")
  return cell(reader ? "unknown: no list was taken here (inside a forced run)" : "unknown: the text had ended")
}

function drawList(letter, token, writers, { keyOf }) {
  const heading = h("h3", null, h("span", { class: "side" }, letter), " What the model believed here")
  if (!token?.list) return h("div", { class: "list" }, heading, h("p", { class: "faint" }, token ? "No list was taken here." : "The text had ended."))
  const shown = chooseShown(token.list, Object.values(writers), keyOf)
  return h("div", { class: "list" }, heading,
    h("table", { class: "bars" },
      h("caption", { class: "visually-hidden" }, `Likeliest tokens in ${letter}`),
      h("thead", { class: "visually-hidden" }, h("tr", null, ["Rank", "Token", "Probability", ""].map((name) => h("th", { scope: "col" }, name || "Bar")))),
      h("tbody", null, shown.map((entry) => drawEntry(entry, token.list, writers, keyOf)), drawOthers(token.list, shown))))
}

// The first few, and those that either request has, wherever in the list they stand.
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
    h("td", { class: "number" }, formatProbability(prob)),
    h("td", { class: "track" }, drawBar(prob)))
}

function drawOthers(list, shown) {
  const rest = measureMissing(list) + list.filter((entry) => !shown.includes(entry) && entry.logprob !== null)
    .reduce((total, entry) => total + Math.exp(entry.logprob), 0)
  return h("tr", { class: "others" }, h("td"), h("td", null, "all others"), h("td", { class: "number" }, formatProbability(rest)), h("td", { class: "track" }, drawBar(rest)))
}

function drawBar(share) {
  const bar = h("span", { class: "bar" })
  bar.style.setProperty("--share", `${Math.min(share, 1) * 100}%`)
  return bar
}

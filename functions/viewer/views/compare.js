// Compare two to four requests token by token: the first difference, the probabilities there, both texts and a summary.

import { api, formatQuery, requestPath, viewPath } from "../lib/api.js"
import { announce, drawLoading, emptyState, h, replace } from "../lib/dom.js"
import { align } from "./compare/align.js"
import { drawDivergence } from "./compare/divergence.js"
import { drawChoice, LETTERS } from "./compare/form.js"
import { drawNumbers } from "./compare/numbers.js"
import { drawTexts } from "./compare/texts.js"
import { chooseIdentity, readTrace } from "./compare/trace.js"

/** Show /compare?a=<request id>&b=<request id>, and c and d. */
export async function show(main, { address, go, signal }) {
  const ids = LETTERS.map((letter) => address.searchParams.get(letter.toLowerCase())).filter(Boolean)
  const place = h("div", { class: "comparison" })
  const open = (chosen) => go(`/compare${formatQuery(Object.fromEntries(chosen.map((id, index) => [LETTERS[index].toLowerCase(), id])))}`)
  replace(main, h("h1", null, "Compare requests"), drawChoice(ids, open, signal), place)
  if (ids.length < 2) return replace(place, drawInvitation())
  replace(place, drawLoading(8))
  const answers = await Promise.allSettled(ids.map((id) => api(requestPath(id), { signal })))
  const failures = answers.map((answer) => answer.reason)
  if (signal.aborted) return
  const refused = failures.find((error) => error?.status === 401)
  if (refused) throw refused
  if (failures.some(Boolean)) return replace(place, failures.map((error, index) => error && drawFailure(LETTERS[index], error)))
  const repeated = ids.findIndex((id, index) => ids.indexOf(id) < index)
  if (repeated > 0) return replace(place, drawSame(ids, repeated))
  drawComparison(place, answers.map((answer, index) => readTrace(answer.value, LETTERS[index])))
}

function drawComparison(place, traces) {
  const [first, ...others] = traces
  const pairs = others.map((other) => ({ other, ...alignPair(first, other) }))
  const detail = h("div", { class: "detail" })
  const buttons = pairs.map((pair) => h("button", { type: "button", "aria-pressed": "false", onclick: () => choose(pair) },
    h("span", { class: "side" }, first.letter), " ", h("span", { class: "side" }, pair.other.letter), ` ${describeDifference(pair.alignment)}`))
  const choose = (pair) => {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(pairs[index] === pair)))
    replace(detail, drawDivergence(first, pair.other, pair.alignment.common, pair.identity), drawTexts(first, pair.other, pair.alignment, pair.identity))
  }
  choose(pairs[0])
  replace(place, pairs.length > 1 ? h("div", { class: "choice pairs", role: "group", "aria-label": "Compared pair" }, buttons) : null, detail, drawNumbers(traces))
  announce(`Compared: ${describeDifference(pairs[0].alignment)}.`)
}

function describeDifference({ isEqual, common }) {
  return isEqual ? "no difference" : `the first difference is at token ${common + 1}`
}

function alignPair(a, b) {
  const identity = chooseIdentity(a, b)
  const keys = new Map()
  const [ones, others] = [a, b].map((trace) => trace.tokens.map((token, index) => intern(keys, identity.keyOf(token), trace, index)))
  return { identity, alignment: align(ones, others) }
}

// Map equal tokens to equal numbers. A token without id and text equals no other token.
function intern(keys, key, trace, index) {
  const name = key ?? `unknown ${trace.id} ${index}`
  if (!keys.has(name)) keys.set(name, keys.size)
  return keys.get(name)
}

function drawInvitation() {
  return emptyState(
    "Choose two to four requests",
    "See where their texts differ, how likely each token was there, and what they have in common. " +
      "The fields above suggest the latest requests; you can also enter any other id.",
  )
}

function drawSame(ids, repeated) {
  const [one, other] = [LETTERS[ids.indexOf(ids[repeated])], LETTERS[repeated]]
  return emptyState("No difference", `${one} and ${other} are the same request.`, h("p", null, h("a", { href: viewPath(ids[repeated]) }, "View request")))
}

function drawFailure(letter, error) {
  return h("p", { class: "error", role: "alert" }, h("strong", null, `${letter}: `), error.message)
}

// Compare two requests token by token: the first difference, the probabilities there, both texts and a summary.

import { api, formatQuery, requestPath } from "../lib/api.js"
import { announce, emptyState, h, replace } from "../lib/dom.js"
import { align } from "./compare/align.js"
import { drawDivergence } from "./compare/divergence.js"
import { drawForm, SIDES } from "./compare/form.js"
import { drawNumbers } from "./compare/numbers.js"
import { drawTexts } from "./compare/texts.js"
import { chooseIdentity, readTrace } from "./compare/trace.js"

/** Show /compare?a=<request id>&b=<request id>. */
export async function show(main, { address, go, signal }) {
  const ids = SIDES.map((side) => address.searchParams.get(side.name) ?? "")
  const place = h("div", { class: "comparison" })
  const open = (a, b) => go(`/compare${formatQuery({ a, b })}`)
  replace(main, h("h1", null, "Compare two requests"), drawForm(ids, open, signal), place)
  if (!ids.every(Boolean)) return replace(place, drawInvitation())
  replace(place, h("p", { class: "loading" }, "Loading …"))
  const answers = await Promise.allSettled(ids.map((id) => api(requestPath(id), { signal })))
  const failures = answers.map((answer) => answer.reason)
  if (signal.aborted) return
  const refused = failures.find((error) => error?.status === 401)
  if (refused) throw refused
  if (failures.some(Boolean)) return replace(place, failures.map((error, index) => error && drawFailure(SIDES[index], error)))
  if (ids[0] === ids[1]) return replace(place, drawSame(ids[0]))
  drawComparison(place, answers.map((answer) => readTrace(answer.value)))
}

function drawComparison(place, [a, b]) {
  const identity = chooseIdentity(a, b)
  const keys = new Map()
  const [ones, others] = [a, b].map((trace) => trace.tokens.map((token, index) => intern(keys, identity.keyOf(token), trace, index)))
  const alignment = align(ones, others)
  replace(
    place,
    drawDivergence(a, b, alignment.common, identity),
    drawTexts(a, b, alignment, identity),
    drawNumbers(a, b),
  )
  announce(alignment.isEqual ? "Compared: no difference." : `Compared: the first difference is at token ${alignment.common + 1}.`)
}

// Map equal tokens to equal numbers. A token without id and text equals no other token.
function intern(keys, key, trace, index) {
  const name = key ?? `unknown ${trace.id} ${index}`
  if (!keys.has(name)) keys.set(name, keys.size)
  return keys.get(name)
}

function drawInvitation() {
  return emptyState(
    "Choose two requests",
    "See where their texts diverge, how likely each token was there, and what they have in common. " +
      "The fields above suggest the latest requests; you can also enter any other id.",
  )
}

function drawSame(id) {
  return emptyState("No difference", "A and B are the same request.", h("p", null, h("a", { href: `/view/${encodeURIComponent(id)}` }, "View request")))
}

function drawFailure(side, error) {
  return h("p", { class: "error", role: "alert" }, h("strong", null, `${side.letter}: `), error.message)
}

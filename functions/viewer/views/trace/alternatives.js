// How other stored requests continued the same text.

import { api, confidencePath } from "../../lib/api.js"
import { h, replace } from "../../lib/dom.js"
import { formatAmount, formatProbability, nameToken, showWhitespace } from "../../lib/format.js"
import { findIn } from "../../lib/scores.js"
import { linkTo } from "./address.js"

/** Return a function that draws the section of a token. It is fetched once per token, when the token is pinned. */
export function makeAlternatives(requestId, signal) {
  const fetched = new Map()
  const load = (index) => {
    if (!fetched.has(index)) fetched.set(index, api(confidencePath(requestId, "/alternatives"), { query: { index }, signal }))
    return fetched.get(index)
  }
  return (token) => {
    const box = h("div", null, h("p", { class: "faint" }, "Loading …"))
    load(token.index).then(({ alternatives }) => replace(box, drawAlternatives(alternatives, token)), (error) => {
      fetched.delete(token.index)
      if (!signal.aborted) replace(box, h("p", { class: "faint" }, error.message))
    })
    return h("section", { class: "alternatives" }, h("h3", null, "In other requests"), box)
  }
}

function drawAlternatives(alternatives, token) {
  if (token.discarded) return h("p", { class: "faint" }, "Discarded tokens are not compared with other requests.")
  if (!alternatives.length) return h("p", { class: "faint" }, "No other request has the same prompt, model and text up to here.")
  return h("ul", null, alternatives.map((one) => drawAlternative(one, token)))
}

function drawAlternative({ token: id, token_text: text, requests, examples }, token) {
  const isSame = id === null ? text === token.text : id === token.id
  const entry = findIn(token.list, { id, text })
  const prob = entry && entry.logprob !== null ? `, ${formatProbability(Math.exp(entry.logprob))} here` : ""
  return h("li", null,
    h("p", null, h("code", { class: "token-text" }, nameToken({ id, text })), isSame ? " the same token" : null, h("span", { class: "faint" }, ` ${formatAmount(requests, "request")}${prob}`)),
    examples.map((example) => h("p", { class: "example" },
      h("a", { href: linkTo(example.index, example.request_id), title: example.request_id }, `…${showWhitespace(text ?? "")}${showWhitespace(example.following)}`))))
}

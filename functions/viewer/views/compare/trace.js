// What a log says, as far as comparing needs it: the tokens that stayed, each with the list of its forward pass.

import { measureMissing, rankOf, readTrace as readWhole } from "../../lib/scores.js"

/** Of two traces from different models: so many ids must be shared, and so few may differ in text, to be one vocabulary. */
const ENOUGH_IDS = 20
const MOST_CONFLICTS = 0.05

/**
 * Read GET /logs/{id}: {id, log, lists, tokens, discarded}.
 *
 * `tokens` are those of lib/scores.js that were not discarded, numbered anew; `lists` are those of all forward passes.
 */
export function readTrace(log) {
  const { tokens, passes } = readWhole(log)
  const kept = tokens.filter((token) => !token.discarded).map((token, index) => ({ ...token, index }))
  const lists = passes.map((pass) => pass.list).filter(Boolean)
  return { id: log.request_id, log, lists, tokens: kept, discarded: tokens.length - kept.length }
}

/** Nats to colour a token by: its surprisal, or what it is at least where only a bound of its probability is known. */
export function doubtOf(token) {
  if (token.surprisal !== null) return token.surprisal
  return token.bound > 0 ? -Math.log(token.bound) : null
}

/**
 * How to tell whether a token of one is a token of the other: {keyOf(token), sentence}.
 *
 * By id where both have one vocabulary, else by text; keyOf answers null for a token that nothing is known of.
 */
export function chooseIdentity(a, b) {
  const byId = (sentence) => ({ keyOf: (token) => (token.id === null ? null : `id ${token.id}`), sentence })
  const byText = (sentence) => ({ keyOf: (token) => (token.text === null ? null : `text ${token.text}`), sentence })
  if (![a, b].every((trace) => trace.tokens.every((token) => token.id !== null))) {
    return byText("Tokens are compared by their text, for not all of them have an id.")
  }
  if (a.log.model_id !== null && a.log.model_id === b.log.model_id) return byId("Tokens are compared by their ids: the model is the same.")
  const { shared, conflicts } = countShared(a, b)
  if (shared >= ENOUGH_IDS && conflicts <= shared * MOST_CONFLICTS) {
    return byId("Tokens are compared by their ids: the models differ, but their ids stand for the same texts.")
  }
  return byText("Tokens are compared by their text, for the models may number their tokens differently.")
}

function countShared(a, b) {
  const [ones, others] = [a, b].map(mapTexts)
  const shared = [...ones.keys()].filter((id) => others.has(id))
  return { shared: shared.length, conflicts: shared.filter((id) => ones.get(id) !== others.get(id)).length }
}

function mapTexts(trace) {
  const known = trace.lists.flat().concat(trace.tokens).filter((one) => one.id !== null && one.text !== null)
  return new Map(known.map((one) => [one.id, one.text]))
}

/**
 * Where a token stands in a list: {rank, prob}, or {bound, k} if it is not in it, {isMasked} or {} if nothing is known.
 *
 * Ranks and bounds are those of docs/CONFIDENCE.md: of equals the worse rank; at most the last of the list, and the rest.
 */
export function placeIn(list, token, keyOf) {
  const key = keyOf(token)
  if (!list || key === null) return {}
  const known = list.filter((entry) => entry.logprob !== null)
  const found = list.find((entry) => keyOf(entry) === key)
  if (found?.logprob === null) return { isMasked: true }
  if (found) return { rank: rankOf(list, found), prob: Math.exp(found.logprob) }
  if (!known.length) return {}
  const last = Math.exp(Math.min(...known.map((entry) => entry.logprob)))
  const rest = measureMissing(list)
  return { bound: rest > 0 ? Math.min(last, rest) : last, k: list.length }
}

// Prepare a log for comparison: its tokens without the discarded ones, each with the top-k list of its forward pass.

import { measureMissing, rankOf, readTrace as readWhole } from "../../lib/scores.js"

/** Two models have the same vocabulary if they share this many ids and at most this share of them differ in text. */
const ENOUGH_IDS = 20
const MOST_CONFLICTS = 0.05

/**
 * Read the answer of GET /logs/{id}: {id, letter, log, lists, tokens, discarded}. The letter names the request.
 *
 * `tokens` are those of lib/scores.js without the discarded ones, renumbered. `lists` are the top-k lists of all passes.
 * `discarded` is the number of discarded tokens.
 */
export function readTrace(log, letter) {
  const { tokens, passes } = readWhole(log)
  const kept = tokens.filter((token) => !token.discarded).map((token, index) => ({ ...token, index }))
  const lists = passes.map((pass) => pass.list).filter(Boolean)
  return { id: log.request_id, letter, log, lists, tokens: kept, discarded: tokens.length - kept.length }
}

/**
 * Choose how to compare tokens of two traces: {keyOf(token), sentence}.
 *
 * Compares by id if both have the same vocabulary, else by text. keyOf returns null for a token without id or text.
 */
export function chooseIdentity(a, b) {
  const byId = (sentence) => ({ keyOf: (token) => (token.id === null ? null : `id ${token.id}`), sentence })
  const byText = (sentence) => ({ keyOf: (token) => (token.text === null ? null : `text ${token.text}`), sentence })
  if (![a, b].every((trace) => trace.tokens.every((token) => token.id !== null))) {
    return byText("Tokens are compared by text because some have no id.")
  }
  if (a.log.model_id !== null && a.log.model_id === b.log.model_id) return byId("Tokens are compared by id: the model is the same.")
  const { shared, conflicts } = countShared(a, b)
  if (shared >= ENOUGH_IDS && conflicts <= shared * MOST_CONFLICTS) {
    return byId("Tokens are compared by id: the models differ, but their ids have the same texts.")
  }
  return byText("Tokens are compared by text because the models may use different ids.")
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
 * Find a token in a list: {rank, prob}, {bound, k} if it is not in the list, {isMasked}, or {} if it is unknown.
 *
 * Ranks and bounds follow docs/CONFIDENCE.md: ties get the worst rank; the bound is the smaller of the last listed
 * probability and the missing mass.
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

// What a log says, as far as comparing needs it: the tokens that stayed, each with the list of its forward pass.

/** Of two traces from different models: so many ids must be shared, and so few may differ in text, to be one vocabulary. */
const ENOUGH_IDS = 20
const MOST_CONFLICTS = 0.05

/**
 * Read GET /logs/{id}.
 *
 * `tokens` are those that were not discarded: {index, id, text, forced, forcedBy, adjusted, prob, bound, surprisal, list}.
 * `list` is [{id, text, logprob}], best first, or null where the token has no distribution of its own.
 */
export function readTrace(log) {
  const lists = new Map(log.step_logit_summaries.map((one) => [one.step_index, (one.topk ?? []).map(readEntry)]))
  const seen = new Set()
  const tokens = []
  for (const step of log.steps) {
    // The list of a pass belongs to the first token that came of it, whether that one stayed or not.
    const isFirst = step.generation_step !== null && !seen.has(step.generation_step)
    seen.add(step.generation_step)
    if (!step.discarded) tokens.push(readToken(step, tokens.length, isFirst ? lists.get(step.generation_step) : null))
  }
  return { id: log.request_id, log, lists, tokens, discarded: log.steps.length - tokens.length }
}

function readEntry(entry) {
  return { id: entry.token ?? null, text: entry.text ?? entry.token_str ?? null, logprob: entry.logprob ?? null }
}

function readToken(step, index, list) {
  return {
    index,
    id: step.token,
    text: step.token_text,
    forced: step.forced,
    forcedBy: step.forced_by,
    adjusted: step.adjusted_logits,
    prob: step.prob,
    bound: step.prob_upper_bound,
    surprisal: step.surprisal,
    list: list?.length ? list : null,
  }
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
  const known = [...trace.lists.values()].flat().concat(trace.tokens).filter((one) => one.id !== null && one.text !== null)
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
  if (found) return { rank: known.filter((entry) => entry.logprob >= found.logprob).length, prob: Math.exp(found.logprob) }
  if (!known.length) return {}
  const last = Math.exp(Math.min(...known.map((entry) => entry.logprob)))
  const rest = measureRest(list)
  return { bound: rest > 0 ? Math.min(last, rest) : last, k: list.length }
}

/** The probability of all that a list does not show. */
export function measureRest(list) {
  const sum = list.reduce((total, entry) => total + (entry.logprob === null ? 0 : Math.exp(entry.logprob)), 0)
  return Math.max(0, 1 - sum)
}

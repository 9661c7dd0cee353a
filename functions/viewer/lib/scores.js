// Compute the scores of every token of a log, as docs/CONFIDENCE.md defines them. Scores that the log omits come from its
// top-k lists. All logarithms are natural (nats). An unknown score is null.

/** The window of docs/CONFIDENCE.md, in sampled tokens. */
export const WINDOW = 32
/** The least confident part of an answer of less than this many windows is a quarter of it: a window would be most of it. */
const LEAST_WINDOWS = 2
const SHORT_PARTS = 4
const NO_BOUNDS = { entropyLower: null, entropyUpper: null }

/**
 * Read the answer of GET /logs/{id}: {log, tokens, passes, lowest}.
 *
 * `tokens` are all tokens added to the text, including discarded ones. `passes` are the forward passes, each with its
 * top-k list, its first token and its mod calls. `setWindow` adds `lowest`, `mean` and `width`.
 */
export function readTrace(log, window = WINDOW) {
  const passes = readPasses(log)
  const vocabulary = findVocabulary(log.actions)
  const seen = new Set()
  const tokens = log.steps.map((step) => {
    const pass = passes[step.generation_step] ?? null
    const isFirst = pass !== null && !seen.has(pass.index)
    if (isFirst) pass.first = step.step_index
    if (pass) seen.add(pass.index)
    return readToken(step, pass, isFirst ? pass.list : null, vocabulary)
  })
  markRuns(tokens)
  return setWindow({ log, tokens, passes, window, width: 0, mean: null, lowest: null }, window)
}

function readPasses(log) {
  const lists = new Map(log.step_logit_summaries.map((one) => [one.step_index, one.topk.map(readEntry)]))
  const passes = []
  const passOfEvent = new Map()
  for (const event of log.events) {
    if (event.event_type === "ForwardPass") {
      passes.push({ index: passes.length, first: null, list: lists.get(passes.length) ?? null, sampled: null, calls: [] })
    }
    const pass = passes.at(-1)
    if (pass && event.event_type === "Sampled") pass.sampled = { id: event.sampled_token, text: event.token_text }
    passOfEvent.set(event.id, pass ?? null)
  }
  // A response of another server has no events: each list is the one of its token.
  if (!log.events.length) log.steps.forEach((_, index) => passes.push({ index, first: null, list: lists.get(index) ?? null, sampled: null, calls: [] }))
  for (const call of readCalls(log)) {
    call.pass = passOfEvent.get(call.event_id) ?? passes[0] ?? null
    call.pass?.calls.push(call)
  }
  return passes
}

/** Read the mod calls, each with its log lines and actions. */
function readCalls(log) {
  const calls = new Map(log.mod_calls.map((call) => [call.id, { ...call, pass: null, logs: [], actions: [] }]))
  for (const line of log.mod_logs) calls.get(line.mod_call_id)?.logs.push(line)
  for (const action of log.actions) calls.get(action.mod_id)?.actions.push(action)
  return [...calls.values()]
}

function readEntry(entry) {
  return { id: entry.token ?? null, text: entry.token_str ?? entry.text ?? null, logprob: readLogprob(entry.logprob) }
}

// A masked entry counts as p = 0 (docs/CONFIDENCE.md, "Reading a list").
function readLogprob(logprob) {
  return typeof logprob !== "number" || logprob <= -1000 ? null : Math.min(logprob, 0)
}

function readToken(step, pass, list, vocabulary) {
  const token = {
    index: step.step_index,
    pass,
    list,
    id: step.token,
    text: step.token_text,
    forced: step.forced,
    forcedBy: step.forced_by,
    adjusted: step.adjusted_logits,
    discarded: step.discarded,
    prob: step.prob,
    bound: step.prob_upper_bound,
    logprob: step.logprob,
    surprisal: step.surprisal,
    entropy: step.entropy,
    group: null,
    startsRun: false,
  }
  return { ...token, ...scoreList(list, token, vocabulary) }
}

/** Compute the scores that the log omits from the token's top-k list. */
function scoreList(list, token, vocabulary) {
  const nothing = { rank: null, margin: null, missing: null, confidence: null, ...NO_BOUNDS }
  const live = list?.filter((entry) => entry.logprob !== null) ?? []
  if (!live.length) return nothing
  const probs = live.map((entry) => Math.exp(entry.logprob))
  const missing = measureMissing(list)
  const isMasked = live.length < list.length
  return {
    rank: rankOf(list, findIn(list, token)),
    margin: list.length > 1 ? probs[0] - (probs[1] ?? 0) : null,
    missing,
    confidence: isMasked ? null : -live.reduce((sum, entry) => sum + entry.logprob, 0) / live.length,
    ...(isMasked ? NO_BOUNDS : boundEntropy(live, token.entropy, missing, vocabulary)),
  }
}

/** Compute the missing mass: the probability of all tokens outside a top-k list. */
export function measureMissing(list) {
  return Math.max(0, 1 - list.reduce((sum, entry) => sum + (entry.logprob === null ? 0 : Math.exp(entry.logprob)), 0))
}

/** Return the rank of an entry in its list, from 1. Ties get the worst rank; masked and missing entries get null. */
export function rankOf(list, entry) {
  if (!entry || entry.logprob === null) return null
  return list.filter((one) => one.logprob !== null && one.logprob >= entry.logprob).length
}

/** Find the entry of a token in a list: by id if both have one, else by text. */
export function findIn(list, token) {
  if (!list) return null
  const byId = token.id === null ? null : list.find((entry) => entry.id === token.id)
  if (byId || token.text === null || (token.id !== null && list.every((entry) => entry.id !== null))) return byId ?? null
  return list.find((entry) => entry.text === token.text && (entry.id === null || token.id === null)) ?? null
}

// The lower bound concentrates the missing mass in as few tokens as possible; the upper bound spreads it evenly.
function boundEntropy(live, entropy, missing, vocabulary) {
  if (entropy === null) return NO_BOUNDS
  const last = live.at(-1).logprob
  const smallest = Math.exp(last)
  const odd = smallest ? missing % smallest : 0
  const entropyLower = entropy - (missing - odd) * last - (odd ? odd * Math.log(odd) : 0)
  const outside = vocabulary === null ? 0 : vocabulary - live.length
  if (outside <= 0) return { entropyLower, entropyUpper: null }
  const upper = entropy - (missing ? missing * Math.log(missing / outside) : 0)
  return { entropyLower, entropyUpper: upper > entropyLower - 1e-9 ? Math.max(upper, entropyLower) : null }
}

// The vocabulary size V: for a mod that adjusted logits, the engine reports their shape, [1, V].
function findVocabulary(actions) {
  for (const { action_type: type, payload } of actions) {
    const size = type === "AdjustedLogits" && Array.isArray(payload?.logits_shape) ? payload.logits_shape.at(-1) : null
    if (Number.isInteger(size) && size > 0) return size
  }
  return null
}

function markRuns(tokens) {
  tokens.forEach((token, index) => {
    const previous = tokens[index - 1]
    token.startsRun = token.forced && !(previous?.forced && previous.pass === token.pass)
  })
}

/**
 * Set the window of a trace: each token's group confidence, the mean over the window that ends there.
 *
 * `width` is the number of tokens of a window: the given one, or all tokens of a shorter answer. `mean` is the mean token
 * confidence of the answer, or null. `lowest` is the least
 * confident part, {first, last, confidence, size, kind} with token indexes: the least confident window, or, if the answer
 * is shorter than two windows, a quarter of it (the kind "part"). With fewer than eight tokens it is the least likely
 * token (the kind "token"), whose confidence is null. It is null if no token has a score.
 */
export function setWindow(trace, window) {
  for (const token of trace.tokens) token.group = null
  const series = trace.tokens.filter((token) => !token.forced && !token.discarded && token.confidence !== null)
  trace.window = window
  trace.width = Math.min(window, series.length)
  trace.mean = series.length ? series.reduce((sum, token) => sum + token.confidence, 0) / series.length : null
  const groups = measureGroups(series, trace.width)
  for (const { end, confidence } of groups) series[end].group = confidence
  const size = Math.floor(series.length / SHORT_PARTS)
  if (series.length >= LEAST_WINDOWS * window) trace.lowest = findLowest(series, groups, window, "window")
  else trace.lowest = size > 1 ? findLowest(series, measureGroups(series, size), size, "part") : findLeastLikely(trace.tokens)
  return trace
}

/** Return the mean confidence of each run of tokens of a length, with the position of its last token. */
function measureGroups(series, size) {
  const groups = []
  let sum = 0
  series.forEach((token, end) => {
    sum += token.confidence - (end >= size ? series[end - size].confidence : 0)
    if (end >= size - 1) groups.push({ end, confidence: sum / size })
  })
  return groups
}

function findLowest(series, groups, size, kind) {
  const { end, confidence } = groups.reduce((least, one) => (one.confidence < least.confidence ? one : least))
  return { first: series[end - size + 1].index, last: series[end].index, confidence, size, kind }
}

/** Return the nats of a token's surprisal, or the lower bound of it if only a bound is known; else null. */
export function doubtOf(token) {
  return token.surprisal ?? (token.bound > 0 ? -Math.log(token.bound) : null)
}

/** List the sampled tokens with a known surprisal, the least likely first. */
export function rankByDoubt(tokens) {
  const drawn = tokens.filter((token) => !token.forced && !token.discarded && doubtOf(token) !== null)
  return drawn.sort((one, other) => doubtOf(other) - doubtOf(one))
}

function findLeastLikely(tokens) {
  const least = rankByDoubt(tokens)[0]
  return least ? { first: least.index, last: least.index, confidence: null, size: 1, kind: "token" } : null
}

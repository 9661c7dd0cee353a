// Titles and units of the scores of a request (docs/CONFIDENCE.md).

import { formatQuery } from "../../lib/api.js"
import { formatNumber, formatProbability } from "../../lib/format.js"

const share = { unit: "", format: formatProbability }
const nats = { unit: " nats", format: (value) => `${formatNumber(value)} nats` }
const plain = { unit: "", format: formatNumber }

/** The scores by name: {title, unit, format(value)}. */
export const SCORES = {
  sequence_confidence: { title: "sequence confidence", ...share },
  perplexity: { title: "perplexity", ...plain },
  sequence_nll: { title: "total surprisal", ...nats },
  min_token_probability: { title: "lowest token probability", ...share },
  mean_token_entropy: { title: "mean entropy", ...nats },
  mean_token_negentropy: { title: "mean negentropy", ...plain },
  min_token_negentropy: { title: "lowest negentropy", ...plain },
  probability_margin: { title: "mean margin", ...share },
  mean_confidence: { title: "mean token confidence", ...nats },
  tail_confidence: { title: "tail confidence", ...nats },
  lowest_group_confidence: { title: "lowest group confidence", ...nats },
  bottom_10pct_group_confidence: { title: "lowest 10 % of group confidences", ...nats },
  p_correct: { title: "calibrated probability", ...share },
  low_confidence_fraction: { title: "share of low-confidence tokens", ...share },
}

/** Return the title and unit of a score. A name that only a newer server knows is its own title. */
export function describeScore(name) {
  return Object.hasOwn(SCORES, name) ? SCORES[name] : { title: name, ...plain }
}

/**
 * Return a function that opens the requests at a point of a chart, or null: the feed filters by sequence confidence only.
 *
 * `findRange(value)` returns the range of the score at a value of the x axis.
 */
export function makeOpener(score, { query: { from, to, model, mod }, go }, findRange) {
  if (score !== "sequence_confidence") return null
  return (value) => {
    const [low, high] = findRange(value)
    const inside = { min_confidence: Math.max(0, low), max_confidence: Math.min(1, high) }
    return go(`/${formatQuery({ model, mod, created_from: from, created_to: to, ...inside })}`)
  }
}

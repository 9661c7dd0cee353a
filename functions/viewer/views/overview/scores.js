// The scores of a request by name, in the words of docs/CONFIDENCE.md.

import { formatNumber, formatProbability } from "../../lib/format.js"

const share = { unit: "", format: formatProbability }
const nats = { unit: " nats", format: (value) => `${formatNumber(value)} nats` }
const plain = { unit: "", format: formatNumber }

/** Each: {title, unit, format(value)}. */
export const SCORES = {
  sequence_confidence: { title: "sequence confidence", ...share },
  perplexity: { title: "perplexity", ...plain },
  sequence_nll: { title: "surprisal, summed", ...nats },
  min_token_probability: { title: "least probable token", ...share },
  mean_token_entropy: { title: "mean entropy", ...nats },
  mean_token_negentropy: { title: "mean negentropy", ...plain },
  min_token_negentropy: { title: "lowest negentropy", ...plain },
  probability_margin: { title: "mean margin", ...share },
  mean_confidence: { title: "mean token confidence", ...nats },
  tail_confidence: { title: "tail confidence", ...nats },
  lowest_group_confidence: { title: "lowest group confidence", ...nats },
  bottom_10pct_group_confidence: { title: "lowest tenth of groups", ...nats },
  low_confidence_fraction: { title: "share of unsure tokens", ...share },
}

/** The score of that name; a name that only a newer server knows stands for itself. */
export function describeScore(name) {
  return Object.hasOwn(SCORES, name) ? SCORES[name] : { title: name, ...plain }
}

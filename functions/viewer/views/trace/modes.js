// The scores that the text can be colored by. Each has a fixed range, so that two pages can be compared. Stronger color
// means less confidence.

import { h } from "../../lib/dom.js"
import { formatLeastNats, formatNats, formatNumber, formatProbability } from "../../lib/format.js"
import { MAX_NATS, scaleClass } from "../../lib/scale.js"

export const MODES = {
  surprisal: {
    name: "Surprisal",
    unit: "nats",
    ends: [0, MAX_NATS],
    read: (token) => token.surprisal ?? (token.bound > 0 ? -Math.log(token.bound) : null),
    explain: "−ln of the probability that the model gave to the token",
  },
  entropy: {
    name: "Entropy",
    unit: "nats",
    ends: [0, 4],
    read: (token) => token.entropy,
    explain: "spread of the model's distribution, whichever token was sampled; a lower bound",
  },
  margin: {
    name: "Margin",
    unit: "",
    ends: [1, 0],
    read: (token) => token.margin,
    explain: "difference between the probabilities of the most likely and the second most likely token",
  },
  group: {
    name: "Group confidence",
    unit: "nats",
    ends: [12, 2],
    read: (token) => token.group,
    explain: "mean confidence of the 32 sampled tokens that end here; higher is more confident",
  },
}

/** Return the class that colors a token in a mode. */
export function colorOf(token, mode) {
  const value = mode.read(token)
  if (value === null) return "scale-unknown"
  const [sure, unsure] = mode.ends
  return scaleClass((value - sure) / (unsure - sure), 1)
}

/** Draw the legend: swatches with their values, and the marks that don't use color. */
export function drawLegend(mode) {
  const [sure, unsure] = mode.ends
  const stops = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => [share, sure + share * (unsure - sure)])
  const digits = Math.abs(unsure - sure) > 3 && Number.isInteger(stops[1][1]) ? 0 : 1
  return h("div", { class: "legend" },
    h("span", null, `${mode.name}${mode.unit ? `, ${mode.unit}` : ""}:`),
    h("span", { class: "swatches" }, stops.map(([share, value]) =>
      h("span", { class: `swatch ${scaleClass(share, 1)}` }, `${value.toFixed(digits)}${share === 1 ? "+" : ""}`))),
    h("span", null, h("span", { class: "swatch scale-unknown" }, "?"), " no top-k list"),
    h("span", null, h("span", { class: "token is-bound" }, "token"), " not in the top-k list: a lower bound"),
    h("span", null, h("span", { class: "token is-forced starts-run" }, "forced"), " by a mod"),
    h("span", null, h("span", { class: "token is-discarded" }, "discarded")),
    h("span", null, h("span", { class: "token in-lowest" }, "least confident window")))
}

/** Format a token's probability: "≤ 1.3 %" if only a bound is known, "unknown" without one. */
export function describeProbability(token) {
  if (token.prob !== null) return formatProbability(token.prob)
  return token.bound === null ? "unknown" : formatProbability(token.bound, { isBound: true })
}

/** Format a token's surprisal: "1.32 nats", or "≥ 4.34 nats" for a bound. */
export function describeSurprisal(token) {
  if (token.surprisal !== null) return formatNats(token.surprisal)
  return token.bound > 0 ? formatLeastNats(-Math.log(token.bound)) : "unknown"
}

/** Format a token's rank: "3 of 20", or "not in top 20". */
export function describeRank(token) {
  if (token.rank !== null) return `${token.rank} of ${token.list.length}`
  return token.list ? `not in top ${token.list.length}` : "unknown"
}

/** Format the interval that contains the entropy of the full distribution. */
export function describeEntropy(token) {
  if (token.entropy === null) return "unknown"
  const lower = token.entropyLower ?? token.entropy
  return token.entropyUpper === null ? formatLeastNats(lower) : `${formatNumber(lower)} to ${formatNats(token.entropyUpper)}`
}

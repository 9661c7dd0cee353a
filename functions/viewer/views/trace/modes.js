// The scores that the text can be colored by. Stronger color means less confidence. All but the group confidence have a
// fixed range, so that two pages can be compared.

import { h } from "../../lib/dom.js"
import { formatLeastNats, formatNats, formatNumber } from "../../lib/format.js"
import { MAX_NATS, scaleClass } from "../../lib/scale.js"
import { doubtOf } from "../../lib/scores.js"

export const FIRST_MODE = "surprisal"

/** `ends` are the values of the weakest and the strongest color; `rest` is the sign of values beyond the strongest. */
export const MODES = {
  surprisal: {
    name: "Surprisal",
    unit: "nats",
    ends: () => [0, MAX_NATS],
    rest: "+",
    read: doubtOf,
    explain: "−ln of the probability that the model gave to the token",
  },
  entropy: {
    name: "Entropy",
    unit: "nats",
    ends: () => [0, 4],
    rest: "+",
    read: (token) => token.entropy,
    explain: "spread of the model's distribution, whichever token was sampled; a lower bound",
  },
  margin: {
    name: "Margin",
    unit: "",
    ends: () => [1, 0],
    rest: "",
    read: (token) => token.margin,
    explain: "difference between the probabilities of the most likely and the second most likely token",
  },
  group: {
    name: "Group confidence",
    unit: "nats",
    ends: findGroupEnds,
    rest: "",
    read: (token) => token.group,
    explain: "mean confidence of the window of sampled tokens that ends at the token; higher is more confident",
    note: ({ width }) => `range of this answer, windows of ${width} tokens`,
  },
}

// The group confidences of one answer differ by less than those of two models, so a fixed range would show one color.
function findGroupEnds({ tokens }) {
  const values = tokens.map((token) => token.group).filter((value) => value !== null)
  if (!values.length) return [1, 0]
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity])
  return [high, high > low ? low : high - 1]
}

/** Return a function that returns the class that colors a token in a mode. */
export function makeColors(trace, mode) {
  const [sure, unsure] = mode.ends(trace)
  return (token) => {
    const value = mode.read(token)
    if (value !== null) return scaleClass((value - sure) / (unsure - sure), 1)
    return token.list ? "scale-none" : "scale-unknown"
  }
}

/** Draw the legend: swatches with their values, and the marks that don't use color. */
export function drawLegend(trace, mode) {
  const [sure, unsure] = mode.ends(trace)
  const shares = [0, 0.2, 0.4, 0.6, 0.8, 1]
  const values = shares.map((share) => sure + share * (unsure - sure))
  const has = (test) => trace.tokens.some(test)
  const isUncolored = (token) => mode.read(token) === null
  return h("div", { class: "legend" },
    h("span", null, `${mode.name}${mode.unit ? `, ${mode.unit}` : ""}`),
    h("span", { class: "swatches" }, shares.map((share, index) =>
      h("span", { class: `swatch ${scaleClass(share, 1)}` }, `${Number(values[index].toFixed(1))}${share === 1 ? mode.rest : ""}`))),
    mode.note ? h("span", null, mode.note(trace)) : null,
    has((token) => !token.list && isUncolored(token)) ? h("span", null, h("span", { class: "swatch scale-unknown" }, "?"), " no top-k list") : null,
    has((token) => token.list && isUncolored(token)) ? h("span", null, h("span", { class: "swatch" }, " "), ` no ${mode.name.toLowerCase()} here`) : null,
    has((token) => token.prob === null && token.bound !== null) ? h("span", null, h("span", { class: "token is-bound" }, "token"), " not in the top-k list: a lower bound") : null,
    has((token) => token.forced) ? h("span", null, h("span", { class: "token is-forced starts-run" }, "forced"), " by a mod") : null,
    has((token) => token.discarded) ? h("span", null, h("span", { class: "token is-discarded" }, "discarded")) : null,
    trace.lowest ? h("span", null, h("span", { class: "token in-lowest" }, "least confident")) : null)
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

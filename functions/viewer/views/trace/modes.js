// What the text can be coloured by. Each has a fixed range, so that two pages can be compared; more colour is less sure.

import { h } from "../../lib/dom.js"
import { formatLeastNats, formatNats, formatNumber, formatProbability } from "../../lib/format.js"
import { MAX_NATS, scaleClass } from "../../lib/scale.js"

export const MODES = {
  surprisal: {
    name: "Surprisal",
    unit: "nats",
    ends: [0, MAX_NATS],
    read: (token) => token.surprisal ?? (token.bound > 0 ? -Math.log(token.bound) : null),
    explain: "−ln of the probability that the model gave to the token that stands there",
  },
  entropy: {
    name: "Entropy",
    unit: "nats",
    ends: [0, 4],
    read: (token) => token.entropy,
    explain: "how widely the model's belief was spread, whichever token was drawn; at least",
  },
  margin: {
    name: "Margin",
    unit: "",
    ends: [1, 0],
    read: (token) => token.margin,
    explain: "the likeliest token's probability minus the second's",
  },
  group: {
    name: "Group confidence",
    unit: "nats",
    ends: [12, 2],
    read: (token) => token.group,
    explain: "mean token confidence of the 32 drawn tokens that end there; higher is surer",
  },
}

/** The class that colours a token in a mode. */
export function colourOf(token, mode) {
  const value = mode.read(token)
  if (value === null) return "scale-unknown"
  const [sure, unsure] = mode.ends
  return scaleClass((value - sure) / (unsure - sure), 1)
}

/** The legend: swatches with their numbers, and the marks that are no colour. */
export function drawLegend(mode) {
  const [sure, unsure] = mode.ends
  const stops = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => [share, sure + share * (unsure - sure)])
  const digits = Math.abs(unsure - sure) > 3 && Number.isInteger(stops[1][1]) ? 0 : 1
  return h("div", { class: "legend" },
    h("span", null, `${mode.name}${mode.unit ? `, ${mode.unit}` : ""}:`),
    h("span", { class: "swatches" }, stops.map(([share, value]) =>
      h("span", { class: `swatch ${scaleClass(share, 1)}` }, `${value.toFixed(digits)}${share === 1 ? "+" : ""}`))),
    h("span", null, h("span", { class: "swatch scale-unknown" }, "?"), " no list"),
    h("span", null, h("span", { class: "token is-bound" }, "token"), " outside its list: at least so surprising"),
    h("span", null, h("span", { class: "token is-forced starts-run" }, "forced"), " by a mod"),
    h("span", null, h("span", { class: "token is-discarded" }, "discarded")),
    h("span", null, h("span", { class: "token in-lowest" }, "least sure window")))
}

/** "≤ 1.3 %" where only a bound is known, "unknown" where not even that. */
export function describeProbability(token) {
  if (token.prob !== null) return formatProbability(token.prob)
  return token.bound === null ? "unknown" : formatProbability(token.bound, { isBound: true })
}

/** "1.32 nats", "≥ 4.34 nats". */
export function describeSurprisal(token) {
  if (token.surprisal !== null) return formatNats(token.surprisal)
  return token.bound > 0 ? formatLeastNats(-Math.log(token.bound)) : "unknown"
}

/** "3 of 20"; outside the list it has none. */
export function describeRank(token) {
  if (token.rank !== null) return `${token.rank} of ${token.list.length}`
  return token.list ? `not among the ${token.list.length}` : "unknown"
}

/** The interval that holds the entropy of the whole distribution. */
export function describeEntropy(token) {
  if (token.entropy === null) return "unknown"
  const lower = token.entropyLower ?? token.entropy
  return token.entropyUpper === null ? formatLeastNats(lower) : `${formatNumber(lower)} to ${formatNats(token.entropyUpper)}`
}

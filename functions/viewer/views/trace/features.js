// The strongest features of an autoencoder at a token, if the trace is of a run of the activations page.

import { h } from "../../lib/dom.js"
import { formatNumber } from "../../lib/format.js"
import { drawBars, drawShare } from "../../lib/parts.js"

/** Draw the features at a token; null if the trace has none there. */
export function drawFeatures(token, { log: { activations } }) {
  const step = activations?.steps.find((one) => one.step_index === token.index)
  if (!step) return null
  const most = Math.max(...step.features.map((one) => one.activation), 0)
  const caption = `Strongest features, ${activations.sae_id ?? "autoencoder"}, layer ${activations.sae_layer ?? "unknown"}`
  return drawBars({ class: "features", caption, heads: ["Feature", "Activation", "Bar"] },
    step.features.map(({ id, activation }) => drawFeature(id, activation, most)))
}

function drawFeature(id, activation, most) {
  const share = most > 0 ? Math.max(activation / most, 0) : 0
  return h("tr", null, h("td", null, `#${id}`), drawShare(formatNumber(activation), share))
}

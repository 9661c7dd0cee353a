// The details of one token: its scores, its top-k list, other requests in its place, and the mod calls in its forward pass.

import { announce, copyNamed, h, replace } from "../../lib/dom.js"
import { describeProbability, describeSurprisal, formatNats, formatNumber, formatProbability, nameToken } from "../../lib/format.js"
import { drawIcon } from "../../lib/icons.js"
import { describeForced, nameMod } from "../../lib/mods.js"
import { drawBars, drawShare } from "../../lib/parts.js"
import { findIn } from "../../lib/scores.js"
import { linkTo } from "./address.js"
import { drawFeatures } from "./features.js"
import { describeEntropy, describeRank } from "./modes.js"

/** Show the details of a token in the panel. `alternatives(token)` draws the continuations of other requests, if the token is pinned. */
export function showDetails(panel, token, { trace, pinned, alternatives, release, onComment }) {
  const place = token.pass ? `, forward pass ${token.pass.index + 1}` : ", before the first forward pass"
  panel.classList.toggle("is-pinned", pinned)
  replace(panel,
    h("h2", null, h("code", { class: "token-text" }, nameToken(token))),
    h("p", { class: "faint" }, `Token ${token.index + 1} of ${trace.tokens.length}${place}`),
    pinned ? drawPin(token, release, onComment) : h("p", { class: "faint pin" }, "Click the token to pin it."),
    h("p", null, describeOrigin(token)),
    drawOverridden(token),
    drawScores(token, trace),
    drawBelief(token),
    drawFeatures(token, trace),
    pinned && alternatives ? alternatives(token) : null,
    drawMods(token))
}

function drawPin(token, release, onComment) {
  const copy = async () => announce(await copyNamed("link", new URL(linkTo(token.index), location.origin).href))
  return h("p", { class: "pin" }, h("strong", null, drawIcon("pin"), " Pinned"),
    h("button", { class: "quiet", title: "Key Esc", onclick: release }, "Release"),
    h("button", { class: "quiet", onclick: copy }, drawIcon("link"), "Copy link"),
    onComment ? h("button", { class: "quiet", onclick: () => onComment(token.index) }, drawIcon("comment"), "Comment") : null)
}

function describeOrigin(token) {
  const parts = []
  if (token.forced) parts.push(`⚑ ${describeForced(token).replace("f", "F")}`)
  else parts.push(token.adjusted ? "Sampled after a mod changed the logits" : "Sampled from the model")
  if (token.discarded) parts.push("discarded by a backtrack")
  return `${parts.join(", ")}.`
}

// The Sampled event of a forced pass names the token that the mod replaced.
function drawOverridden(token) {
  const drawn = token.forced && token.startsRun ? token.pass?.sampled : null
  if (!drawn) return null
  const found = findIn(token.pass.list, { id: drawn.id ?? null, text: drawn.text ?? null })
  const prob = found && found.logprob !== null ? Math.exp(found.logprob) : null
  return h("p", { class: "overridden" }, "The model had sampled ",
    h("code", { class: "token-text" }, nameToken({ id: drawn.id ?? null, text: drawn.text ?? null })),
    prob === null ? "." : ` (${formatProbability(prob)}).`)
}

function drawScores(token, { width }) {
  const rows = [
    ["Probability", describeProbability(token)],
    ["Rank", describeRank(token)],
    ["Surprisal", describeSurprisal(token)],
    ["Entropy", describeEntropy(token)],
    ["Margin", formatNumber(token.margin)],
    ["Token confidence", formatNats(token.confidence)],
    ...(width > 1 ? [[`Group confidence, ${width} tokens`, token.group === null && token.confidence !== null ? "–" : formatNats(token.group)]] : []),
  ]
  return h("dl", { class: "scores" }, rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", { class: value === "unknown" ? "faint" : null }, value))))
}

function drawBelief(token) {
  if (!token.list) {
    const reason = token.forced ? "Only the first token of a forced run has a top-k list." : "The trace has no top-k list for this token."
    return h("p", { class: "faint" }, reason)
  }
  const chosen = findIn(token.list, token)
  return drawBars({ caption: "Top-k probabilities, before temperature and mods", heads: ["Token", "Probability", "Bar"] }, [
    token.list.map((entry) => drawEntry(nameToken(entry), entry.logprob === null ? null : Math.exp(entry.logprob), entry === chosen && "is-chosen")),
    drawEntry("other", token.missing, "is-other"),
  ])
}

function drawEntry(name, prob, kind) {
  return h("tr", { class: kind || null },
    h("td", null, kind === "is-other" ? name : h("code", { class: "token-text" }, name), kind === "is-chosen" ? " ←" : null),
    drawShare(prob === null ? "masked" : formatProbability(prob), prob ?? 0))
}

function drawMods(token) {
  const calls = token.pass?.calls ?? []
  if (!calls.length) return null
  return h("section", null, h("h3", null, "Mods in this forward pass"), calls.map((call) =>
    h("div", { class: "call" },
      h("p", null, h("strong", null, nameMod(call.mod_name)), ` at ${call.event_type}`,
        call.exception_occurred ? h("span", { class: "bad" }, " ⚠ raised an exception") : null),
      call.actions.length ? h("p", null, "Actions: ", call.actions.map((action) => action.action_type).join(", ")) : null,
      call.logs.map((line) => h("p", { class: "log-line" }, h("span", { class: "level" }, line.log_level), " ", line.log_message)))))
}

// One request: its text colored by confidence, and the actions of mods. Everything is computed from the log.

import { api, confidencePath, formatQuery, requestPath } from "../lib/api.js"
import { announce, emptyState, h, replace } from "../lib/dom.js"
import { drawIcon } from "../lib/icons.js"
import { showControls } from "../lib/format.js"
import { findIdentity } from "../lib/identity.js"
import { readTrace } from "../lib/scores.js"
import { findNeighbors } from "./feed/memory.js"
import { drawActions } from "./trace/actions.js"
import { readAddress } from "./trace/address.js"
import { showEarly } from "./trace/early.js"
import { drawFacts, drawFigures } from "./trace/head.js"
import { drawKeys } from "./trace/keys.js"
import { nameLowest, nameSpan } from "./trace/lowest.js"
import { drawOutcome } from "./trace/outcome.js"
import { drawNeighbors, drawStanding } from "./trace/peers.js"
import { drawPrompt } from "./trace/prompt.js"
import { drawReading } from "./trace/reading.js"
import { drawSummary } from "./trace/summary.js"
import { drawTabs } from "./trace/tabs.js"

export async function show(main, { address, parameters, go, signal, signIn }) {
  const path = findPath(parameters)
  const isShared = parameters.id === undefined
  const loading = api(path + formatQuery(isShared ? { format: "json" } : null), { signal })
  if (!isShared) showEarly(main, parameters.id, { loading, signal }).catch(() => {})
  const [log, reader] = await Promise.all([loading, isShared ? null : findIdentity()])
  if (signal.aborted) return
  const count = log.steps.length
  const wanted = readAddress(address, count)
  const trace = readTrace(log, wanted.window)
  document.title = `${log.request_id} · Thunder`
  const isOwn = reader !== null
  const onToken = (index) => reading?.goTo(index)
  const onLowest = () => {
    if (!trace.lowest) return
    onToken(trace.lowest.first)
    announce(`${nameLowest(trace)}: ${nameSpan(trace.lowest)}.`)
  }
  const standing = isOwn ? drawStanding() : null
  const figures = drawFigures(trace, { onLowest, onToken, standing: standing?.element })
  const tabs = drawTabs(trace, { path, isOwn, goTo: onToken, signal, signIn })
  const reading = count ? drawReading(trace, { wanted, isOwn, tabs: tabs.element, signal, onWindow: figures.redraw, onComment: tabs.comment }) : null
  const neighbors = isOwn ? drawNeighbors(go) : null
  const outcome = isOwn ? drawOutcome(log.request_id, { signal, signIn }) : null
  const keys = drawKeys(listShortcuts({ reading, neighbors, outcome, onLowest }), () => reading?.escape() ?? false, signal)
  replace(main,
    h("header", { class: "trace-head" },
      h("div", { class: "title" }, h("h1", null, log.request_id),
        drawActions(trace, { path, isOwn, course: reading?.course, pinned: () => reading?.pinned() ?? null, main, signal, signIn }),
        neighbors?.element,
        h("button", { class: "quiet", title: "Shortcuts", onclick: () => keys.showModal() }, drawIcon("keyboard"), h("span", { class: "label" }, "Shortcuts"))),
      drawFacts(log, isOwn),
      h("div", { class: "story-row" }, drawSummary(trace, onToken), outcome?.element),
      figures.element,
      log.warnings.map((warning) => h("p", { class: "faint" }, `⚠ ${warning}`))),
    drawPrompt(log, signal),
    reading?.element ?? [drawWithoutTokens(log), tabs.element],
    keys)
  reading?.begin()
  if (isOwn) loadPeers(log.request_id, { signal, standing, neighbors })
}

function drawWithoutTokens({ final_text: text }) {
  if (!text) return emptyState("No tokens", "This trace added no tokens to the text.")
  return h("div", { class: "reading" },
    h("div", { class: "tokens is-plain", dir: "auto", tabindex: "0", role: "group", "aria-label": "The text" }, showControls(text)),
    h("p", { class: "faint" }, "Without tokens, there are no scores. Ask the model server for log probabilities (logprobs)."))
}

function findPath({ id, token, member }) {
  if (id !== undefined) return requestPath(id)
  return `/share/${member === undefined ? "request/" : ""}${encodeURIComponent(token)}${member === undefined ? "" : `/request/${encodeURIComponent(member)}`}`
}

function listShortcuts({ reading, neighbors, outcome, onLowest }) {
  return {
    ...(reading ? {
      "/": ["find in the text", reading.find],
      g: ["go to the least confident part", onLowest],
      c: ["color by the next score", reading.nextMode],
      d: ["show or hide discarded tokens", reading.toggleDiscarded],
    } : {}),
    ...(neighbors ? { j: ["next request, in the order of the feed", () => neighbors.follow(1)], k: ["previous request", () => neighbors.follow(-1)] } : {}),
    ...(outcome ? {
      r: ["mark the answer as correct", () => outcome.judge(true)],
      w: ["mark the answer as incorrect", () => outcome.judge(false)],
      n: ["write a note", outcome.write],
    } : {}),
  }
}

// Without the peers, the page lacks only the percentile and the links to the neighbors.
async function loadPeers(requestId, { signal, standing, neighbors }) {
  const listed = findNeighbors(requestId)
  listed.then((found) => found && !signal.aborted && neighbors.show(found))
  try {
    const peers = await api(confidencePath(requestId, "/peers"), { signal })
    if (signal.aborted) return
    standing.show(peers)
    if (!(await listed)) neighbors.show({ previous: peers.newer, next: peers.older })
  } catch (error) {
    if (!signal.aborted) standing.fail(error)
  }
}

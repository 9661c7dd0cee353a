// One request: its text colored by confidence, and the actions of mods. Everything is computed from the log.

import { api, formatQuery, requestPath, spansPath } from "../lib/api.js"
import { announce, emptyState, h, replace } from "../lib/dom.js"
import { formatAmount } from "../lib/format.js"
import { findIdentity } from "../lib/identity.js"
import { readTrace } from "../lib/scores.js"
import { drawCourse } from "./trace/chart.js"
import { showDetails } from "./trace/details.js"
import { drawHead, nameSpan } from "./trace/head.js"
import { MODES, drawLegend } from "./trace/modes.js"
import { drawTable } from "./trace/table.js"
import { drawTabs } from "./trace/tabs.js"
import { drawText } from "./trace/text.js"

const FIRST_MODE = "surprisal"

export async function show(main, { address, parameters, signal, signIn }) {
  const path = findPath(parameters)
  const isShared = parameters.id === undefined
  const [log, reader] = await Promise.all([
    api(path + formatQuery(isShared ? { format: "json" } : null), { signal }),
    isShared ? null : findIdentity(),
  ])
  if (signal.aborted) return
  const trace = readTrace(log)
  document.title = `${log.request_id} · Thunder`
  const isOwn = reader !== null
  const text = trace.tokens.length ? drawReading(trace, address, signal, isOwn) : null
  replace(main,
    drawHead(trace, { onLowest: text?.goToLowest, onToken: text?.goTo, hasLinks: isOwn }),
    text?.element ?? emptyState("No tokens", "This trace added no tokens to the text."),
    drawTabs(trace, { path, isOwn, goTo: text?.goTo, signal, signIn }))
  text?.begin()
}

function findPath({ id, token, member }) {
  if (id !== undefined) return requestPath(id)
  return `/share/${member === undefined ? "request/" : ""}${encodeURIComponent(token)}${member === undefined ? "" : `/request/${encodeURIComponent(member)}`}`
}

/** Draw the controls, text, details, chart and table, which all follow the selected token. */
function drawReading(trace, address, signal, isOwn) {
  const panel = h("aside", { class: "details", tabindex: "0", "aria-label": "Selected token" })
  const legend = h("div")
  const onSelect = (token) => {
    showDetails(panel, token, trace.tokens.length)
    course.select(token.index)
  }
  const wanted = address.searchParams.get("by") ?? ""
  const first = Object.hasOwn(MODES, wanted) ? wanted : FIRST_MODE
  const course = drawCourse(trace, { signal, onPick: (index) => goTo(index) })
  const text = drawText(trace, MODES[first], onSelect)
  const goTo = (index) => {
    text.select(index, { scrolls: true })
    text.element.focus({ preventScroll: true })
  }
  const choose = (name) => {
    text.paint(MODES[name])
    replace(legend, drawLegend(MODES[name]))
    rememberMode(name)
  }
  replace(legend, drawLegend(MODES[first]))
  const element = h("div", { class: "reading" },
    h("div", { class: "controls" }, drawModes(first, choose), drawDiscardedToggle(trace, text), isOwn ? drawWordsToggle(trace, text, signal) : null, legend),
    h("div", { class: "columns" }, h("div", { class: "left" }, text.element, course.element, drawTable(trace)), panel))
  return {
    element,
    goTo,
    begin: () => text.select(trace.lowest?.first ?? 0),
    goToLowest: trace.lowest && (() => {
      goTo(trace.lowest.first)
      announce(`Least confident window: ${nameSpan(trace.lowest)}.`)
    }),
  }
}

function rememberMode(name) {
  const address = new URL(location.href)
  if (name === FIRST_MODE) address.searchParams.delete("by")
  else address.searchParams.set("by", name)
  history.replaceState(null, "", address)
}

function drawModes(first, choose) {
  return h("fieldset", { class: "modes" },
    h("legend", null, "Color by"),
    Object.entries(MODES).map(([name, mode]) => h("label", { title: mode.explain },
      h("input", { type: "radio", name: "mode", value: name, checked: name === first, onchange: () => choose(name) }), mode.name)))
}

function drawDiscardedToggle({ tokens }, text) {
  const count = tokens.filter((token) => token.discarded).length
  if (!count) return null
  const box = h("input", { type: "checkbox", checked: true, onchange: () => text.showDiscarded(box.checked) })
  return h("label", { class: "toggle" }, box, ` Show ${formatAmount(count, "discarded token")}`)
}

/** Draw the switch that marks the runs of words with a token below 20 %. They are fetched when it is first used. */
function drawWordsToggle({ log }, text, signal) {
  const note = h("span", { class: "faint" })
  let words = null
  const box = h("input", {
    type: "checkbox",
    onchange: async () => {
      try {
        words ??= (await api(spansPath(log.request_id), { signal })).spans
      } catch (error) {
        box.checked = false
        if (!signal.aborted) note.textContent = ` (${error.message})`
        return
      }
      text.markWords(box.checked ? words : [])
      note.textContent = box.checked ? ` (${formatAmount(words.length, "passage")} below 20 %)` : ""
    },
  })
  return h("label", { class: "toggle" }, box, " Least confident words", note)
}

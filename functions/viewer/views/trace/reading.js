// The chart, the text and the details of the shown token, which follow each other, and the controls above them.

import { api, confidencePath } from "../../lib/api.js"
import { h, replace } from "../../lib/dom.js"
import { formatAmount } from "../../lib/format.js"
import { drawIcon } from "../../lib/icons.js"
import { setWindow } from "../../lib/scores.js"
import { WINDOWS, writeAddress } from "./address.js"
import { makeAlternatives } from "./alternatives.js"
import { drawCourse } from "./chart.js"
import { showDetails } from "./details.js"
import { MODES, drawLegend } from "./modes.js"
import { drawSearch } from "./search.js"
import { drawTokenTable } from "./table.js"
import { drawText } from "./text.js"

/**
 * Draw the reading: {element, course, begin(), goTo(index), pinned(), find(), escape(), nextMode(), toggleDiscarded()}.
 *
 * `wanted` is the state that the address describes, `tabs` the element below the text. `onWindow()` follows a change of the window, `onComment(index)` opens a comment.
 */
export function drawReading(trace, { wanted, isOwn, tabs, signal, onWindow, onComment }) {
  const { tokens } = trace
  const panel = h("aside", { class: "details", tabindex: "0", "aria-label": "Selected token" })
  const legend = h("div")
  const alternatives = isOwn ? makeAlternatives(trace.log.request_id, signal) : null
  let mode = wanted.mode
  const showPanel = (token) => showDetails(panel, token, { trace, pinned: text.pinned() === token.index, alternatives, release: () => text.release(), onComment: isOwn ? onComment : null })
  const course = drawCourse(trace, {
    signal,
    controls: drawWindows(trace.window, (window) => chooseWindow(window)),
    onPick: (index) => goTo(index),
    onZoom: (index) => text.scrollTo(index),
  })
  const text = drawText(trace, MODES[mode], {
    signal,
    onShow: (token) => {
      showPanel(token)
      course.select(token.index)
    },
    onPin: (index) => {
      writeAddress({ token: index })
      const shown = index ?? text.shown()
      if (tokens[shown]) showPanel(tokens[shown])
    },
    onScroll: (first, last) => course.follow(first, last),
  })
  const search = drawSearch(tokens, { onMatches: text.markMatches, onGo: (index) => text.pin(index), onClose: () => text.element.focus({ preventScroll: true }) })
  const goTo = (index) => {
    text.pin(index)
    text.element.focus({ preventScroll: true })
  }
  const modes = drawModes(mode, (name) => {
    mode = name
    text.repaint(MODES[name])
    replace(legend, drawLegend(trace, MODES[name]))
    writeAddress({ mode: name })
  })
  const chooseWindow = (window) => {
    setWindow(trace, window)
    text.repaint(MODES[mode])
    replace(legend, drawLegend(trace, MODES[mode]))
    course.redraw()
    onWindow()
    if (tokens[text.shown()]) showPanel(tokens[text.shown()])
    writeAddress({ window })
  }
  const discarded = drawDiscardedToggle(trace, text)
  replace(legend, drawLegend(trace, MODES[mode]))
  const element = h("div", { class: "reading" },
    h("div", { class: "controls" }, modes.element, discarded?.label, isOwn ? drawWordsToggle(trace, text, signal) : null,
      h("button", { class: "quiet", title: "Key /", onclick: () => search.open() }, drawIcon("search"), "Find")),
    legend,
    h("div", { class: "columns" },
      h("div", { class: "left" }, search.element, text.element, course.element, drawTokenTable(trace)),
      panel, tabs))
  return {
    element,
    course,
    goTo,
    pinned: text.pinned,
    find: search.open,
    escape: () => search.close() || text.release(),
    nextMode: modes.next,
    toggleDiscarded: () => discarded?.box.click(),
    begin: () => {
      if (wanted.token !== null) goTo(wanted.token)
      else text.show(trace.lowest?.first ?? 0)
      text.report()
    },
  }
}

function drawModes(first, choose) {
  const boxes = Object.keys(MODES).map((name) => h("input", { type: "radio", name: "mode", value: name, checked: name === first, onchange: () => choose(name) }))
  return {
    element: h("fieldset", { class: "modes" },
      h("legend", null, "Color by"),
      boxes.map((box) => h("label", { title: MODES[box.value].explain }, box, MODES[box.value].name))),
    next: () => boxes[(boxes.findIndex((box) => box.checked) + 1) % boxes.length].click(),
  }
}

function drawWindows(first, choose) {
  const select = h("select", { id: "window", onchange: () => choose(Number(select.value)) },
    WINDOWS.map((size) => h("option", { value: size, selected: size === first }, `${size} tokens`)))
  return h("span", { class: "toggle" }, h("label", { for: "window" }, "Window"), select)
}

function drawDiscardedToggle({ tokens }, text) {
  const count = tokens.filter((token) => token.discarded).length
  if (!count) return null
  const box = h("input", { type: "checkbox", checked: true, onchange: () => text.showDiscarded(box.checked) })
  return { box, label: h("label", { class: "toggle" }, box, ` Show ${formatAmount(count, "discarded token")}`) }
}

/** Draw the switch that marks the runs of words with a token below 20 %. They are fetched when it is first used. */
function drawWordsToggle({ log }, text, signal) {
  const note = h("span", { class: "faint" })
  let words = null
  const box = h("input", {
    type: "checkbox",
    onchange: async () => {
      try {
        words ??= (await api(confidencePath(log.request_id, "/spans"), { signal })).spans
      } catch (error) {
        box.checked = false
        if (!signal.aborted) note.textContent = ` (${error.message})`
        return
      }
      const marked = box.checked ? words : []
      text.markWords(marked.flatMap((one) => Array.from({ length: one.last_index - one.first_index + 1 }, (_, offset) => one.first_index + offset)))
      note.textContent = box.checked ? ` (${formatAmount(words.length, "passage")})` : ""
    },
  })
  return h("label", { class: "toggle" }, box, " Underline words below 20 %", note)
}

// The text as a list box of tokens. A click pins a token, the pointer previews one, and arrow keys move the pin. The list
// box, not each token, has the listeners.

import { h } from "../../lib/dom.js"
import { describeProbability, showControls, showWhitespace } from "../../lib/format.js"
import { makeChunks } from "./chunks.js"
import { makeColors } from "./modes.js"

const NONE = new Set()
const REVEAL_TRIES = 8

/**
 * Draw the tokens: {element, pin(index), release(), show(index), pinned(), repaint(mode), …}.
 *
 *   onShow(token)         the pointer, a key or a click shows another token
 *   onPin(index)          a token was pinned; null if the pin was released
 *   onScroll(first, last) the first and the last visible token changed
 */
export function drawText(trace, mode, { onShow, onPin, onScroll, signal }) {
  const { tokens } = trace
  const state = { colorOf: makeColors(trace, mode), shown: -1, pinned: null, words: NONE, matches: NONE, hides: false }
  const element = h("div", { class: "tokens", role: "listbox", tabindex: "0", dir: "auto", "aria-label": "The text, token by token" })
  const chunks = makeChunks(element, tokens, {
    draw: (token) => drawToken(token, trace, state),
    write: (token) => (state.hides && token.discarded ? "" : display(token)),
    holds: (start, end) => state.shown >= start && state.shown < end,
    signal,
  })
  const restyle = (index) => tokens[index] && style(chunks.spanOf(index), tokens[index], trace, state)
  const repaint = () => {
    for (const [index, span] of chunks.drawn()) style(span, tokens[index], trace, state)
  }
  const findVisible = (index) => (state.hides ? findShown(tokens, index, 1) : index)
  const show = (index) => {
    if (index === state.shown || !tokens[index]) return
    const before = state.shown
    state.shown = index
    restyle(before)
    restyle(index)
    const span = chunks.spanOf(index)
    span.setAttribute("aria-label", describe(tokens[index]))
    element.setAttribute("aria-activedescendant", span.id)
    onShow(tokens[index])
  }
  const pin = (wanted, { block = "center" } = {}) => {
    const [index, before] = [findVisible(wanted), state.pinned]
    if (!tokens[index]) return
    state.pinned = index
    show(index)
    if (before !== index) {
      restyle(before)
      restyle(index)
      onPin(index)
    }
    if (block) reveal(index, isInside(chunks.spanOf(index)) ? "nearest" : block)
  }
  const release = () => {
    const before = state.pinned
    state.pinned = null
    restyle(before)
    if (before !== null) onPin(null)
    return before !== null
  }
  // A visible token stays where it is, so that the page does not jump.
  const isInside = (span) => {
    const [inner, outer] = [span.getBoundingClientRect(), element.getBoundingClientRect()]
    return inner.top >= Math.max(outer.top, 0) && inner.bottom <= Math.min(outer.bottom, innerHeight)
  }
  // The blocks on the way get their real heights while they are drawn, which moves the token again.
  const reveal = (index, block, tries = REVEAL_TRIES) => {
    chunks.spanOf(index).scrollIntoView({ block })
    if (tries > 1) requestAnimationFrame(() => state.pinned === index && reveal(index, "nearest", tries - 1))
  }
  const indexOf = (event) => Number(event.target.closest?.(".token")?.dataset.index ?? -1)
  // Not pointerover: the browser also sends it when the text scrolls under a resting pointer.
  element.addEventListener("pointermove", (event) => event.pointerType === "mouse" && show(indexOf(event)))
  element.addEventListener("pointerleave", () => state.pinned !== null && show(state.pinned))
  element.addEventListener("click", (event) => pin(indexOf(event), { block: null }))
  element.addEventListener("focus", () => show(Math.max(state.shown, 0)))
  element.addEventListener("keydown", (event) => {
    const next = event.ctrlKey || event.metaKey || event.altKey ? null : findNext(event.key, state.shown, tokens, state.hides)
    if (next === null) return
    event.preventDefault()
    pin(next, { block: "nearest" })
  })
  let isWaiting = false
  const report = () => {
    isWaiting = false
    const { top, bottom } = element.getBoundingClientRect()
    if (!signal.aborted) onScroll(chunks.findAt(top + 1), chunks.findAt(bottom - 1))
  }
  element.addEventListener("scroll", () => {
    if (!isWaiting) requestAnimationFrame(report)
    isWaiting = true
  }, { passive: true })
  return {
    element,
    pin,
    release,
    show,
    report,
    pinned: () => state.pinned,
    shown: () => state.shown,
    /** Scroll to a token without selecting it. */
    scrollTo: (index) => {
      const { top } = chunks.spanOf(index).getBoundingClientRect()
      element.scrollTop += top - element.getBoundingClientRect().top
    },
    repaint: (chosen) => {
      state.colorOf = makeColors(trace, chosen)
      repaint()
    },
    /** Mark the sampled tokens of these indexes as the least confident words. */
    markWords: (indexes) => {
      state.words = new Set(indexes.filter((index) => !tokens[index].forced && !tokens[index].discarded))
      repaint()
    },
    markMatches: (indexes) => {
      state.matches = new Set(indexes)
      repaint()
    },
    showDiscarded: (shown) => {
      state.hides = !shown
      element.classList.toggle("hides-discarded", !shown)
      chunks.rewrite()
    },
  }
}

// The line layout is the browser's, so the up and down arrows move by a fixed number of tokens.
function findNext(key, selected, tokens, hides) {
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10, PageDown: 100, PageUp: -100 }
  const wanted = { Home: 0, End: tokens.length - 1 }[key] ?? (key in steps ? selected + steps[key] : null)
  if (wanted === null) return null
  const next = Math.min(Math.max(wanted, 0), tokens.length - 1)
  return hides ? findShown(tokens, next, Math.sign(next - selected) || 1) : next
}

/** Find the nearest token that was not discarded, first in the given direction. */
function findShown(tokens, start, direction) {
  const onward = (index, step) => {
    while (tokens[index]?.discarded) index += step
    return index
  }
  const next = onward(start, direction)
  return tokens[next] ? next : onward(start, -direction)
}

function drawToken(token, trace, state) {
  const span = h("span", { id: `token-${token.index}`, role: "option", "data-index": token.index }, display(token))
  if (!span.textContent.trim()) span.setAttribute("aria-label", describe(token))
  style(span, token, trace, state)
  return span
}

function style(span, token, { lowest }, state) {
  const isLowest = lowest && token.index >= lowest.first && token.index <= lowest.last && !token.discarded
  span.className = [
    "token",
    state.colorOf(token),
    token.forced && "is-forced",
    token.startsRun && "starts-run",
    token.discarded && "is-discarded",
    token.prob === null && token.bound !== null && "is-bound",
    token.adjusted && !token.forced && "is-adjusted",
    isLowest && "in-lowest",
    isLowest && token.index === lowest.first && "starts-lowest",
    isLowest && token.index === lowest.last && "ends-lowest",
    state.words.has(token.index) && "in-words",
    state.matches.has(token.index) && "is-match",
    state.shown === token.index && "is-selected",
    state.pinned === token.index && "is-pinned",
  ].filter(Boolean).join(" ")
  span.setAttribute("aria-selected", String(state.shown === token.index))
}

// Replace invisible text with signs; a line feed still breaks the line.
function display(token) {
  if (token.text === null) return token.id === null ? "⟨?⟩" : `⟨${token.id}⟩`
  if (token.text === "") return "∅"
  if (token.text.trim()) return showControls(token.text)
  return showControls(token.text.replace(/\t/g, "⇥\t").replace(/\n/g, "↵\n"))
}

/** Describe a token to screen readers. */
function describe(token) {
  const state = [token.forced && "forced", token.discarded && "discarded"].filter(Boolean).join(", ")
  return `${showWhitespace(display(token)).trim() || "blank"}: ${describeProbability(token)}${state ? `, ${state}` : ""}`
}

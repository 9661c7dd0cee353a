// The text as a list box of tokens. Arrow keys move between tokens. The list box, not each token, has the listeners.

import { h } from "../../lib/dom.js"
import { showControls, showWhitespace } from "../../lib/format.js"
import { colorOf, describeProbability } from "./modes.js"

const CHUNK = 300
const LONGEST_CHUNK = 600

/**
 * Draw the tokens: {element, select(index, {scrolls}), paint(mode), showDiscarded(shown), markWords(spans)}.
 *
 * Selecting a token by key, click or pointer calls `onSelect(token)`.
 */
export function drawText({ tokens, lowest }, mode, onSelect) {
  const spans = tokens.map((token) => drawToken(token, tokens, lowest, mode))
  const element = h("div", { class: "tokens", role: "listbox", tabindex: "0", dir: "auto", "aria-label": "The text, token by token" }, chunk(tokens, spans))
  let selected = -1
  const select = (wanted, { scrolls = false } = {}) => {
    const index = element.classList.contains("hides-discarded") ? findShown(tokens, wanted, 1) : wanted
    if (index === selected || !tokens[index]) return
    mark(spans[selected], false)
    selected = index
    mark(spans[index], true)
    spans[index].setAttribute("aria-label", describe(tokens[index]))
    element.setAttribute("aria-activedescendant", spans[index].id)
    if (scrolls) reveal(spans[index], "center")
    onSelect(tokens[index])
  }
  const indexOf = (event) => Number(event.target.closest?.(".token")?.dataset.index ?? -1)
  // Not pointerover: the browser also sends it when the text scrolls under a resting pointer.
  element.addEventListener("pointermove", (event) => event.pointerType === "mouse" && select(indexOf(event)))
  element.addEventListener("click", (event) => select(indexOf(event)))
  element.addEventListener("focus", () => select(Math.max(selected, 0)))
  element.addEventListener("keydown", (event) => {
    const next = findNext(event.key, selected, tokens, element)
    if (next === null) return
    event.preventDefault()
    select(next)
    reveal(spans[next], "nearest")
  })
  return {
    element,
    select,
    paint: (chosen) => tokens.forEach((token, index) => paint(spans[index], token, chosen)),
    markWords: (words) => {
      const indices = words.flatMap((one) => Array.from({ length: one.last_index - one.first_index + 1 }, (_, i) => one.first_index + i))
      const marked = new Set(indices.filter((index) => !tokens[index].forced && !tokens[index].discarded))
      spans.forEach((span, index) => span.classList.toggle("in-words", marked.has(index)))
    },
    showDiscarded: (shown) => element.classList.toggle("hides-discarded", !shown),
  }
}

/** Scroll to a token. The chunks on the way get their real heights while they are drawn, which moves it again. */
function reveal(span, block, tries = 4) {
  span.scrollIntoView({ block })
  if (tries > 1) requestAnimationFrame(() => span.classList.contains("is-selected") && reveal(span, "nearest", tries - 1))
}

function mark(span, isSelected) {
  span?.classList.toggle("is-selected", isSelected)
  span?.setAttribute("aria-selected", String(isSelected))
}

// The line layout is the browser's, so the up and down arrows move by a fixed number of tokens.
function findNext(key, selected, tokens, element) {
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10, PageDown: 100, PageUp: -100 }
  const wanted = { Home: 0, End: tokens.length - 1 }[key] ?? (key in steps ? selected + steps[key] : null)
  if (wanted === null) return null
  const next = Math.min(Math.max(wanted, 0), tokens.length - 1)
  return element.classList.contains("hides-discarded") ? findShown(tokens, next, Math.sign(next - selected) || 1) : next
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

function drawToken(token, tokens, lowest, mode) {
  const span = h("span", { id: `token-${token.index}`, role: "option", "aria-selected": "false", "data-index": token.index }, display(token))
  const isLowest = lowest && token.index >= lowest.first && token.index <= lowest.last && !token.discarded
  span.className = [
    "token",
    token.forced && "is-forced",
    token.startsRun && "starts-run",
    token.discarded && "is-discarded",
    token.prob === null && token.bound !== null && "is-bound",
    token.adjusted && !token.forced && "is-adjusted",
    isLowest && "in-lowest",
    isLowest && token.index === lowest.first && "starts-lowest",
    isLowest && token.index === lowest.last && "ends-lowest",
  ].filter(Boolean).join(" ")
  if (!span.textContent.trim()) span.setAttribute("aria-label", describe(token))
  paint(span, token, mode)
  return span
}

function paint(span, token, mode) {
  if (span.dataset.color) span.classList.remove(...span.dataset.color.split(" "))
  span.dataset.color = colorOf(token, mode)
  span.classList.add(...span.dataset.color.split(" "))
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

// Group tokens in blocks, so that the browser can skip the layout of distant ones. Blocks end at line feeds if possible.
function chunk(tokens, spans) {
  if (spans.length <= LONGEST_CHUNK) return spans
  const chunks = [[]]
  tokens.forEach((token, index) => {
    const last = chunks.at(-1)
    last.push(spans[index])
    const ends = last.length >= CHUNK && (token.text?.endsWith("\n") || last.length >= LONGEST_CHUNK)
    if (ends && index < tokens.length - 1) chunks.push([])
  })
  return chunks.map((part, index) => h("div", { class: "chunk", role: "group", "aria-label": `Part ${index + 1}` }, part))
}

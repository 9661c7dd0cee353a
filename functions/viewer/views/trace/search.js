// Search in the text of the answer.

import { announce, h } from "../../lib/dom.js"
import { drawIcon } from "../../lib/icons.js"

const MAX_MATCHES = 1000

/** Draw the search: {element, open(), close()}. `onMatches(indexes)` marks tokens, `onGo(index)` goes to one, `onClose()` takes the focus. */
export function drawSearch(tokens, { onMatches, onGo, onClose }) {
  const [text, starts] = join(tokens)
  const count = h("span", { class: "faint" })
  const field = h("input", { type: "search", placeholder: "Find in the text", "aria-label": "Find in the text", autocomplete: "off", spellcheck: "false" })
  const element = h("search", { class: "find", hidden: true }, field, count,
    h("button", { class: "quiet", "aria-label": "Previous match", onclick: () => step(-1) }, drawIcon("up")),
    h("button", { class: "quiet", "aria-label": "Next match", onclick: () => step(1) }, drawIcon("down")),
    h("button", { class: "quiet", "aria-label": "Close the search", onclick: () => close() }, drawIcon("cross")))
  let [matches, current] = [[], -1]
  const show = () => {
    count.textContent = field.value ? (matches.length ? `${current + 1} of ${matches.length}${matches.length === MAX_MATCHES ? "+" : ""}` : "Not found") : ""
    if (field.value) announce(count.textContent)
  }
  const step = (by) => {
    if (!matches.length) return
    current = (current + by + matches.length) % matches.length
    show()
    onGo(matches[current][0])
  }
  const find = () => {
    matches = findAll(text, field.value.toLowerCase()).map(([from, to]) => [findToken(starts, from), findToken(starts, to - 1)])
    current = -1
    onMatches(matches.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, offset) => first + offset)))
    if (matches.length) step(1)
    else show()
  }
  const close = () => {
    if (element.hidden) return false
    if (element.contains(document.activeElement)) onClose()  // a hidden field would keep the focus until the next frame
    element.hidden = true
    field.value = ""
    find()
    announce("Search closed.")
    return true
  }
  field.addEventListener("input", find)
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return
    event.preventDefault()
    step(event.shiftKey ? -1 : 1)
  })
  return {
    element,
    close,
    open: () => {
      element.hidden = false
      field.focus()
      field.select()
    },
  }
}

// Lower case can change the length, so positions count the characters of the lower-case text.
function join(tokens) {
  const starts = []
  const parts = []
  let length = 0
  for (const token of tokens) {
    const part = (token.text ?? "").toLowerCase()
    starts.push(length)
    parts.push(part)
    length += part.length
  }
  return [parts.join(""), starts]
}

function findAll(text, wanted) {
  const found = []
  if (!wanted) return found
  for (let at = text.indexOf(wanted); at >= 0 && found.length < MAX_MATCHES; at = text.indexOf(wanted, at + wanted.length)) found.push([at, at + wanted.length])
  return found
}

// The last token that begins at or before a position. Tokens without text also begin there, but are skipped.
function findToken(starts, place) {
  let [low, high] = [0, starts.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (starts[middle] <= place) low = middle
    else high = middle - 1
  }
  return low
}

// The text in blocks. Of a long text, only the blocks near the visible part consist of tokens; the others hold their text
// as one node. So the work to draw, color or search a text of 20 000 tokens does not grow with its length.

import { h, replace } from "../../lib/dom.js"

const CHUNK = 300
const LONGEST_CHUNK = 600
/** Blocks this close to the visible part are drawn, so that scrolling shows tokens at once. */
const MARGIN_PX = 600

/**
 * Fill a scrollable element: {spanOf(index), drawn(), rewrite(), findAt(y)}.
 *
 *   draw(token)   returns the element of a token
 *   write(token)  returns its text
 *   holds(index)  returns whether the block with this token must stay drawn
 */
export function makeChunks(element, tokens, { draw, write, holds, signal }) {
  const places = split(tokens)
  const isSplit = places.length > 1
  const chunks = places.map(([start, end], index) => ({
    start,
    end,
    spans: null,
    box: isSplit ? h("div", { class: "chunk", role: "group", "aria-label": `Part ${index + 1}` }) : element,
  }))
  const open = (chunk) => {
    if (chunk.spans) return
    chunk.spans = tokens.slice(chunk.start, chunk.end).map(draw)
    replace(chunk.box, chunk.spans)
  }
  const close = (chunk) => {
    chunk.spans = null
    chunk.box.textContent = tokens.slice(chunk.start, chunk.end).map(write).join("")
  }
  const chunkOf = (index) => chunks.find((chunk) => index < chunk.end)
  if (isSplit) {
    chunks.forEach(close)
    replace(element, chunks.map((chunk) => chunk.box))
    const ofBox = new Map(chunks.map((chunk) => [chunk.box, chunk]))
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const chunk = ofBox.get(target)
        if (isIntersecting) open(chunk)
        else if (chunk.spans && !holds(chunk.start, chunk.end)) close(chunk)
      }
    }, { root: element, rootMargin: `${MARGIN_PX}px 0px` })
    for (const chunk of chunks) observer.observe(chunk.box)
    signal.addEventListener("abort", () => observer.disconnect())
  } else chunks.forEach(open)
  return {
    /** Return the element of a token, and draw its block if necessary. */
    spanOf(index) {
      const chunk = chunkOf(index)
      open(chunk)
      return chunk.spans[index - chunk.start]
    },
    /** List the drawn tokens as [index, element]. */
    drawn: () => chunks.flatMap((chunk) => (chunk.spans ?? []).map((span, offset) => [chunk.start + offset, span])),
    /** Write the blocks that are not drawn again. */
    rewrite: () => chunks.filter((chunk) => !chunk.spans).forEach(close),
    /** Return the index of the first token whose lower edge is below a vertical position in the window. */
    findAt(y) {
      const chunk = chunks.find((one) => one.box === element || one.box.getBoundingClientRect().bottom > y) ?? chunks.at(-1)
      if (!chunk.spans) return chunk.start
      const offset = chunk.spans.findIndex((span) => span.getBoundingClientRect().bottom > y)
      return offset < 0 ? chunk.end - 1 : chunk.start + offset
    },
  }
}

/** Split tokens into blocks, [start, end]. They end at line feeds if possible. */
function split(tokens) {
  if (tokens.length <= LONGEST_CHUNK) return [[0, tokens.length]]
  const ends = [0]
  tokens.forEach((token, index) => {
    const length = index + 1 - ends.at(-1)
    if (length >= CHUNK && (token.text?.endsWith("\n") || length >= LONGEST_CHUNK)) ends.push(index + 1)
  })
  if (ends.at(-1) < tokens.length) ends.push(tokens.length)
  return ends.slice(1).map((end, index) => [ends[index], end])
}

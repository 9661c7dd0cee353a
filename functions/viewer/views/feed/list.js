// The rows, in chunks. To keep long lists fast, a chunk far outside the viewport keeps its height but not its elements.

import { h } from "../../lib/dom.js"
import { formatAge } from "../../lib/format.js"
import { makeCourses } from "./course.js"
import { drawRow } from "./row.js"

const CHUNK = 50
const NEAR = "1200px"
const AGES_MS = 30000

/**
 * Make a list of requests, keyed by id.
 *
 * `choice` is the selection (choice.js); `narrow(filter)` returns the address of the feed with one more filter.
 */
export function makeList({ choice, narrow, signal }) {
  const element = h("div", { class: "rows", role: "feed", "aria-label": "Requests" })
  const rows = new Map()
  const badges = new Map()
  const course = makeCourses()
  const draw = (id) => drawRow(rows.get(id), {
    course, narrow, badge: badges.get(id), isChosen: choice.has(id), onChoose: choice.toggle,
  })
  const chunks = makeChunks(element, draw, signal)
  const find = (id) => element.querySelector(`[data-id="${CSS.escape(id)}"]`)
  const keepNew = (given) => {
    const fresh = given.filter((row) => !rows.has(row.request_id))
    for (const row of fresh) rows.set(row.request_id, row)
    course.widen(fresh, element)
    return [...new Set(fresh.map((row) => row.request_id))]
  }
  keepAges(element, signal)

  return {
    element,
    has: (id) => rows.has(id),
    get: (id) => rows.get(id),
    size: () => rows.size,
    /** Return every row, in display order. */
    rows: () => chunks.ids().map((id) => rows.get(id)),
    /** Add rows at the end. */
    append(given) {
      const ids = keepNew(given)
      for (let i = 0; i < ids.length; i += CHUNK) chunks.add(ids.slice(i, i + CHUNK))
    },
    /** Add rows at the top, so that the last one given comes first; `badge` is shown on each. */
    prepend(given, badge) {
      for (const id of keepNew(given)) {
        badges.set(id, badge)
        chunks.putFirst(id)
      }
    },
    /** Redraw a row in place with new values. */
    update(row, badge = null) {
      const id = row.request_id
      if (!badge && JSON.stringify(rows.get(id)) === JSON.stringify(row)) return
      rows.set(id, row)
      course.widen([row], element)
      if (badge) badges.set(id, badge)
      const previous = find(id)
      if (previous) replaceRow(previous, draw(id), Boolean(badge))
    },
    /** Move the focus by one row, or to the first visible row if no row has it. Returns whether there is such a row. */
    focusNext(by) {
      const drawn = [...element.querySelectorAll("article")]
      const at = drawn.findIndex((article) => article.contains(document.activeElement))
      const next = at < 0 ? drawn.find((article) => article.getBoundingClientRect().top >= 0) : drawn[at + by]
      next?.querySelector("a").focus({ preventScroll: true })
      next?.scrollIntoView({ block: "nearest" })
      return Boolean(next)
    },
    focusOn: (id) => find(id)?.querySelector("a").focus({ preventScroll: true }),
    focused: () => document.activeElement?.closest?.("article")?.dataset.id ?? null,
  }
}

function replaceRow(previous, drawn, isFresh) {
  const hadFocus = previous.contains(document.activeElement)
  drawn.classList.toggle("fresh", isFresh)
  previous.replaceWith(drawn)
  if (hadFocus) drawn.querySelector("a").focus({ preventScroll: true })
}

function makeChunks(element, draw, signal) {
  const chunks = []
  const chunkOf = new WeakMap()
  const fill = (chunk) => {
    chunk.element.style.removeProperty("height")
    chunk.element.replaceChildren(...chunk.ids.map(draw))
  }
  const empty = (chunk) => {
    if (chunk.element.contains(document.activeElement)) return
    chunk.element.style.setProperty("height", `${chunk.element.offsetHeight}px`)
    chunk.element.replaceChildren()
  }
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) empty(chunkOf.get(target))
      else if (!target.hasChildNodes()) fill(chunkOf.get(target))
    }
  }, { rootMargin: NEAR })
  signal.addEventListener("abort", () => observer.disconnect())
  const add = (ids, isFirst = false) => {
    const chunk = { ids, element: h("div", { class: "chunk" }) }
    chunkOf.set(chunk.element, chunk)
    chunks[isFirst ? "unshift" : "push"](chunk)
    element[isFirst ? "prepend" : "append"](chunk.element)
    fill(chunk)
    observer.observe(chunk.element)
  }
  const putFirst = (id) => {
    const [first] = chunks
    if (!first || first.ids.length >= CHUNK || !first.element.hasChildNodes()) return add([id], true)
    first.ids.unshift(id)
    const drawn = draw(id)
    drawn.classList.add("fresh")
    first.element.prepend(drawn)
  }
  return { add, putFirst, ids: () => chunks.flatMap((chunk) => chunk.ids) }
}

function keepAges(element, signal) {
  const timer = setInterval(() => {
    for (const time of element.querySelectorAll("time")) time.textContent = formatAge(time.dateTime)
  }, AGES_MS)
  signal.addEventListener("abort", () => clearInterval(timer))
}

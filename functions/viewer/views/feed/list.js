// The rows, in chunks. To keep long lists fast, a chunk far outside the viewport keeps its height but not its elements.

import { h } from "../../lib/dom.js"
import { formatAge } from "../../lib/format.js"
import { makeCourses } from "./course.js"
import { findPlace } from "./order.js"
import { drawRow } from "./row.js"

const CHUNK = 50
const NEAR = "1200px"
const AGES_MS = 30000

/**
 * Make a list of requests, keyed by id.
 *
 * `choice` is the selection (choice.js); `narrow(filter)` returns the address of the feed with one more filter; `sort` is
 * the order.
 */
export function makeList({ choice, narrow, sort, signal }) {
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
    /**
     * Add new rows at their place in the order; `badge` is shown on each. Returns {shown, further}: the ids of the added rows,
     * and the number of rows that belong after the last one, which are loaded with the next page if `hasMore`.
     */
    insert(given, badge, hasMore) {
      const shown = []
      let further = 0
      for (const row of given.filter((one) => !rows.has(one.request_id))) {
        const ordered = chunks.ids().map((id) => rows.get(id))
        const place = findPlace(ordered, row, sort)
        if (hasMore && place === ordered.length) {
          further += 1
          continue
        }
        const [id] = keepNew([row])
        if (badge) badges.set(id, badge)
        chunks.insert(place, id)
        shown.push(id)
      }
      return { shown, further }
    },
    /** Return the rows from one to another, in display order. */
    between(id, other) {
      const ids = chunks.ids()
      const [from, to] = [ids.indexOf(id), ids.indexOf(other)].sort((one, two) => one - two)
      return from < 0 ? [] : ids.slice(from, to + 1).map((one) => rows.get(one))
    },
    /** Remove rows. */
    remove(ids) {
      for (const id of ids) {
        rows.delete(id)
        badges.delete(id)
        chunks.remove(id)
      }
    },
    /** Whether a row is drawn and at least partly inside the viewport. */
    isInView: (id) => isInView(find(id)),
    /** Return the rows that are at least partly inside the viewport. */
    visible: () => [...element.querySelectorAll("article")].filter(isInView).map((article) => rows.get(article.dataset.id)),
    /** Scroll to a row and focus it, even if it is not drawn. */
    show(id) {
      chunks.draw(id)
      const drawn = find(id)
      drawn?.scrollIntoView({ block: "center" })
      drawn?.querySelector("a").focus({ preventScroll: true })
    },
    /** Return the element whose position on the screen must not change: the row with the focus, else the first visible one. */
    anchor() {
      const focused = document.activeElement?.closest?.("article")
      if (focused && element.contains(focused)) return focused
      if (element.getBoundingClientRect().top >= 0) return null
      return [...element.querySelectorAll("article")].find((article) => article.getBoundingClientRect().bottom > 0)
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

function isInView(element) {
  const box = element?.getBoundingClientRect()
  return Boolean(box) && box.bottom > 0 && box.top < innerHeight
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
  const insert = (place, id) => {
    const [first] = chunks
    if (!first || (place === 0 && first.ids.length >= CHUNK)) return add([id], true)
    let at = place
    const chunk = chunks.find((one) => at <= one.ids.length || ((at -= one.ids.length), false))
    chunk.ids.splice(at, 0, id)
    if (!chunk.element.hasChildNodes()) return
    const drawn = draw(id)
    drawn.classList.add("fresh")
    chunk.element.insertBefore(drawn, chunk.element.children[at] ?? null)
  }
  const remove = (id) => {
    const chunk = chunks.find((one) => one.ids.includes(id))
    if (!chunk) return
    const at = chunk.ids.indexOf(id)
    chunk.ids.splice(at, 1)
    chunk.element.children[at]?.remove()
  }
  const drawOne = (id) => {
    const chunk = chunks.find((one) => one.ids.includes(id))
    if (chunk && !chunk.element.hasChildNodes()) fill(chunk)
  }
  return { add, insert, remove, draw: drawOne, ids: () => chunks.flatMap((chunk) => chunk.ids) }
}

function keepAges(element, signal) {
  const timer = setInterval(() => {
    for (const time of element.querySelectorAll("time")) time.textContent = formatAge(time.dateTime)
  }, AGES_MS)
  signal.addEventListener("abort", () => clearInterval(timer))
}

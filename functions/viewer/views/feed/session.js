// The rows for one set of filters, with live updates.

import { api } from "../../lib/api.js"
import { errorNote, h, replace } from "../../lib/dom.js"
import { makeChoice } from "./choice.js"
import { drawNothingPasses, drawNothingYet } from "./empty.js"
import { addressOf } from "./filters.js"
import { makeList } from "./list.js"
import { follow, showState } from "./live.js"
import { keep, markOf } from "./memory.js"
import { drawMore } from "./more.js"
import { keepRow } from "./row.js"

export const PAGE = 50
const MOST_ROWS = 20000

/** Load a page of rows: {rows, cursor, error}. Throws if the key is refused; other errors are returned. */
export async function loadPage(filters, { cursor, signal } = {}) {
  try {
    const page = await api("/logs", { query: { ...filters, limit: PAGE, cursor }, signal })
    return { rows: page.data.map(keepRow), cursor: page.next_cursor }
  } catch (error) {
    if (error.name === "AbortError" || error.status === 401) throw error
    return { rows: [], cursor: cursor ?? null, error }
  }
}

/**
 * Show the first page and follow the stream: {leave(), step(by), choose(), restore(kept)}.
 *
 *   parts     the elements of the page (views/feed.js)
 *   learn     adds suggestions to the filters from rows
 *   reopen    reloads the list with the same filters
 */
export function openSession(filters, page, { parts, learn, signIn, reopen }) {
  const controller = new AbortController()
  const { signal } = controller
  const mark = markOf()
  const choice = makeChoice()
  const list = makeList({ choice, signal, narrow: (filter) => addressOf({ ...filters, ...filter }) })
  const draw = () => {
    if (list.size() && !list.element.isConnected) replace(parts.rows, drawHead(), list.element)
    else if (!list.size()) replace(parts.rows, page.error ? drawFailure(page.error, reopen) : drawNothing(filters))
  }
  const add = (rows) => {
    list.append(rows)
    learn(rows)
    draw()
  }
  const more = drawMore(parts.more, {
    cursor: page.cursor, signal, signIn, add, load: (cursor) => loadPage(filters, { cursor, signal }),
  })
  add(page.rows)
  replace(parts.bar, choice.element)
  followSession(filters, { page, list, signal, parts, draw, signIn, reopen })
  return {
    leave() {
      keep(mark, { rows: list.rows(), cursor: more.cursor(), top: scrollY, focused: list.focused() })
      controller.abort()
    },
    step: (by) => list.focusNext(by) || (by > 0 && more.load()),
    choose: () => list.focused() && choice.toggle(list.get(list.focused())),
    restore({ top, focused }) {
      scrollTo({ top })
      if (focused) list.focusOn(focused)
    },
  }
}

function followSession(filters, { page, list, signal, parts, draw, signIn, reopen }) {
  const { sort, collection_id: collection, ...query } = filters
  replace(parts.news)
  if (page.error) return showState(parts.state, isAway(page.error) ? "away" : "refused")
  if (collection) return showState(parts.state, "off")
  showState(parts.state, "connecting")
  const showHeld = () => {
    scrollTo({ top: 0 })
    if (sort || !live.isWhole()) return reopen()
    list.focusOn(live.release())
  }
  const onHeld = (count) => {
    if (!count && list.size() > MOST_ROWS) return reopen()
    draw()
    drawNews(parts.news, count, showHeld)
  }
  const onState = (state) => {
    showState(parts.state, state)
    if (state !== "refused") return
    api("/auth/validate", { signal }).catch((error) => error.status === 401 && signIn(error.message))
  }
  const isBelowTop = () => parts.rows.getBoundingClientRect().top < 0
  const isReading = () => Boolean(sort) || isBelowTop() || list.element.contains(document.activeElement)
  const refresh = async () => (await loadPage(filters, { signal })).rows
  const live = follow({ query, signal, list, isReading, onHeld, onState, refresh })
}

function drawNews(element, count, onclick) {
  const text = count === 1 ? "1 new request" : `${count} new requests`
  const button = element.firstChild
  if (button && count) button.textContent = text
  else replace(element, count ? h("button", { class: "primary", onclick }, text) : null)
}

function isAway({ status }) {
  return !status || status >= 500
}

function drawFailure(error, reopen) {
  return [errorNote(error), isAway(error) && h("p", null, h("button", { onclick: reopen }, "Try again"))]
}

function drawNothing(filters) {
  return Object.keys(filters).some((name) => name !== "sort") ? drawNothingPasses() : drawNothingYet()
}

function drawHead() {
  return h("div", { class: "request head", "aria-hidden": "true" },
    h("span"), h("span", null, "Answer"), h("span", null, "Lowest group confidence (nats)"), h("span", null, "Confidence"))
}

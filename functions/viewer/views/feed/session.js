// The rows for one set of filters, with live updates.

import { api } from "../../lib/api.js"
import { errorNote, h, replace } from "../../lib/dom.js"
import { formatAmount } from "../../lib/format.js"
import { makeChoice } from "./choice.js"
import { keepCurrent } from "./current.js"
import { drawEmpty } from "./empty.js"
import { isFiltered, toApi } from "./filters.js"
import { makeList } from "./list.js"
import { follow, showState } from "./live.js"
import { COLUMNS } from "./look.js"
import { keep, markOf } from "./memory.js"
import { drawMore } from "./more.js"
import { keepRow } from "./row.js"

export const PAGE = 50
const MOST_ROWS = 20000
const SKELETONS = 12

/** Load a page of rows: {rows, cursor, total, isBound, error}. Throws if the key is refused; other errors are returned. */
export async function loadPage(filters, { cursor, signal } = {}) {
  try {
    const page = await api("/logs", { query: { ...toApi(filters), limit: PAGE, cursor, total: cursor ? null : true }, signal })
    return { rows: page.data.map(keepRow), cursor: page.next_cursor, total: page.total, isBound: page.total_is_bound }
  } catch (error) {
    if (error.name === "AbortError" || error.status === 401) throw error
    return { rows: [], cursor: cursor ?? null, total: null, error }
  }
}

/** Draw rows without content, which have the height of real ones, so that nothing moves when those arrive. */
export function drawSkeleton() {
  const row = () => h("div", { class: "request skeleton" }, h("span"), h("div", { class: "what" }, h("p", { class: "prompt" }, "\u00a0"), h("p", { class: "text" }, "\u00a0"), h("p", { class: "meta" }, "\u00a0")))
  return h("div", { class: "rows", "aria-hidden": "true" }, Array.from({ length: SKELETONS }, row))
}

/**
 * Show the first page and follow the stream: {leave(), step(by), choose(), act(), restore(kept)}.
 *
 *   parts     the elements of the page (views/feed.js)
 *   narrow    returns the address with one more filter
 *   reopen    reloads the list with the same filters
 */
export function openSession(filters, page, { parts, narrow, signIn, reopen }) {
  const controller = new AbortController()
  const { signal } = controller
  const mark = markOf()
  let { total, isBound } = page
  const choice = makeChoice({
    between: (one, other) => list.between(one, other),
    onDeleted: (ids) => {
      list.remove(ids)
      count(-ids.length)
      draw()
    },
    onChanged: (rows) => rows.forEach((row) => list.update(row)),
    signIn,
  })
  const list = makeList({ choice, signal, narrow, sort: filters.sort })
  const count = (more) => {
    if (total !== null && total !== undefined && !isBound) total += more
    parts.showTotal(total ?? null, isBound)
  }
  const draw = async () => {
    if (list.size() && !list.element.isConnected) return replace(parts.rows, drawHead(list, choice), list.element)
    if (list.size()) return undefined
    const empty = page.error ? drawFailure(page.error, reopen) : await drawEmpty(isFiltered(filters))
    if (!signal.aborted && !list.size()) replace(parts.rows, empty)
    return undefined
  }
  const add = (rows) => {
    list.append(rows)
    draw()
  }
  const more = drawMore(parts.more, {
    cursor: page.cursor, signal, signIn, add, load: (cursor) => loadPage(filters, { cursor, signal }),
  })
  add(page.rows)
  count(0)
  replace(parts.bar, choice.element)
  const current = page.error ? null : keepCurrent({ list, query: toApi(filters), signal, onGone: choice.forget })
  followSession(filters, { page, list, more, signal, parts, draw, count, signIn, reopen })
  return {
    leave() {
      const load = (cursor) => loadPage(filters, { cursor })
      keep(mark, { rows: list.rows(), cursor: more.cursor(), total, isBound, sort: filters.sort, load, top: scrollY, focused: list.focused() })
      controller.abort()
    },
    step: (by) => list.focusNext(by) || (by > 0 && more.load()),
    act: choice.focus,
    choose: () => list.focused() && choice.toggle(list.get(list.focused())),
    restore({ top, focused }) {
      scrollTo({ top })
      if (focused) list.focusOn(focused)
      current?.check()
    },
  }
}

function followSession(filters, { page, list, more, signal, parts, draw, count, signIn, reopen }) {
  const { sort, collection_id: collection, ...query } = toApi(filters)
  replace(parts.news)
  if (page.error) return showState(parts.state, isAway(page.error) ? "away" : "refused")
  if (collection) return showState(parts.state, "off")
  showState(parts.state, "connecting")
  let isWhole = true
  const show = () => (isWhole ? live.show() : (scrollTo({ top: 0 }), reopen()))
  const onNews = (number, whole) => {
    isWhole = whole
    if (list.size() > MOST_ROWS && scrollY === 0) return reopen()
    draw()
    return drawNews(parts.news, number, show)
  }
  const onState = (state) => {
    showState(parts.state, state)
    if (state !== "refused") return
    api("/auth/validate", { signal }).catch((error) => error.status === 401 && signIn(error.message))
  }
  const refresh = async () => (await loadPage(filters, { signal })).rows
  const live = follow({ query, signal, list, hasMore: () => Boolean(more.cursor()), onNews, onAdded: count, onState, refresh })
}

function drawNews(element, number, onclick) {
  const text = formatAmount(number, "new request")
  const button = element.firstChild
  if (button && number) button.textContent = text
  else replace(element, number ? h("button", { class: "primary", onclick }, text) : null)
}

function isAway({ status }) {
  return !status || status >= 500
}

function drawFailure(error, reopen) {
  return [errorNote(error), isAway(error) && h("p", null, h("button", { onclick: reopen }, "Try again"))]
}

function drawHead(list, choice) {
  const all = h("input", { type: "checkbox", "aria-label": "Select all loaded requests", onchange: () => choice.setAll(list.rows(), all.checked) })
  return h("div", { class: "request head" },
    h("label", { class: "choose", title: "Select all loaded requests" }, all),
    h("span", { "aria-hidden": "true" }, "Prompt and answer"),
    COLUMNS.map(({ name, label }) => h("span", { "data-part": name, class: `head-${name}`, "aria-hidden": "true" }, label)))
}

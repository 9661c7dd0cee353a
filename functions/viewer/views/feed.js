// The feed: a live list of requests, newest first. The address holds the filters, the columns and the density.

import { announce, h, replace } from "../lib/dom.js"
import { formatQuery, viewPath } from "../lib/api.js"
import { listenToKeys } from "../lib/keys.js"
import { drawFilters, readFilters, toApi } from "./feed/filters.js"
import { applyLook, readLook, writeLook } from "./feed/look.js"
import { recall } from "./feed/memory.js"
import { drawSkeleton, loadPage, openSession } from "./feed/session.js"
import { drawToolbar } from "./feed/toolbar.js"

const ID = /^id:/i

/** Show the feed with the filters of the address. */
export async function show(main, { address, go, signal, signIn }) {
  let filters = readFilters(address.searchParams)
  let look = readLook(address.searchParams)
  let session = null
  let loading = null
  const write = (some = filters) => `/${formatQuery({ ...some, ...writeLook(look) })}`
  const parts = drawParts()
  const change = (wanted) => {
    if (write(wanted) === write()) return
    session?.leave()
    session = null
    filters = wanted
    history.pushState(null, "", write())
    recall()
    load()
  }
  const onLook = (wanted) => {
    look = wanted
    applyLook(parts.feed, look)
    history.replaceState(history.state, "", write())
  }
  const form = drawFilters(filters, change)
  const toolbar = drawToolbar({ look, onLook, address: write, query: () => toApi(filters), signal })
  parts.showTotal = toolbar.showTotal
  const narrow = (filter) => write({ ...filters, ...filter })
  const open = (page) => openSession(filters, page, { parts, narrow, signIn, reopen: load })
  const load = async () => {
    session?.leave()
    session = null
    loading?.abort()
    const { signal: current } = (loading = new AbortController())
    replace(parts.rows, drawSkeleton())
    const page = await loadPage(filters, { signal: current }).catch((error) => ({ thrown: error }))
    if (current.aborted || signal.aborted) return
    if (page.thrown) return signIn(page.thrown.message)
    if (isFoundById(filters, page)) return go(viewPath(page.rows[0].request_id), { replaces: true })
    session = open(page)
    form.count(filters, current)
    announce(page.rows.length ? "List updated." : "No requests found.")
  }
  applyLook(parts.feed, look)
  replace(parts.rows, drawSkeleton())
  replace(main, h("div", { class: "feed-title" }, h("h1", null, "Requests"), parts.state, parts.hint),
    form.element, toolbar.element, parts.news, parts.feed, parts.more, parts.bar)
  const remembered = recall()
  listenToKeys({ j: () => session?.step(1), k: () => session?.step(-1), x: () => session?.choose(), a: () => session?.act() }, signal)
  const leave = () => {
    loading?.abort()
    session?.leave()
  }
  const first = remembered ?? (await loadPage(filters, { signal }))
  if (signal.aborted) return null
  if (!remembered && isFoundById(filters, first)) return go(viewPath(first.rows[0].request_id), { replaces: true })
  session = open(first)
  form.count(filters, signal)
  if (remembered) session.restore(remembered)
  return leave
}

// A search for an id that finds one request opens it.
function isFoundById({ q }, { rows, cursor }) {
  return ID.test(q ?? "") && rows.length === 1 && !cursor
}

function drawParts() {
  const key = (name) => h("kbd", null, name)
  const rows = h("div", { class: "list" })
  return {
    state: h("span", { class: "live" }),
    hint: h("p", { class: "hint faint" },
      key("j"), " ", key("k"), " next, previous · ", key("Enter"), " open · ", key("x"), " select · ", key("a"), " actions"),
    news: h("div", { class: "news" }),
    rows,
    feed: h("div", { class: "feed" }, rows),
    more: h("div", { class: "more" }),
    bar: h("div", { class: "choice-place" }),
  }
}

// The feed: a live list of requests, newest first. The address holds the filters. Two requests can be compared.

import { announce, h, replace } from "../lib/dom.js"
import { addressOf, drawFilters, readFilters } from "./feed/filters.js"
import { listenToKeys } from "./feed/keys.js"
import { recall } from "./feed/memory.js"
import { loadPage, openSession } from "./feed/session.js"

/** Show the feed with the filters of the address. */
export async function show(main, { address, signal, signIn }) {
  let filters = readFilters(address.searchParams)
  const remembered = recall()
  const first = remembered ?? (await loadPage(filters, { signal }))
  if (signal.aborted) return null
  const parts = drawParts()
  let session = null
  let loading = null
  const open = (page) => openSession(filters, page, { parts, learn: form.learn, signIn, reopen: load })
  const load = async () => {
    session?.leave()
    session = null
    loading?.abort()
    const { signal: current } = (loading = new AbortController())
    replace(parts.rows, h("p", { class: "loading" }, "Loading …"))
    const page = await loadPage(filters, { signal: current }).catch((error) => ({ thrown: error }))
    if (current.aborted || signal.aborted) return
    if (page.thrown) return signIn(page.thrown.message)
    session = open(page)
    announce(page.rows.length ? "List updated." : "No requests found.")
  }
  const change = (wanted) => {
    if (addressOf(wanted) === addressOf(filters)) return
    session?.leave()
    session = null
    filters = wanted
    history.pushState(null, "", addressOf(wanted))
    recall()
    load()
  }
  const form = drawFilters(filters, change)
  replace(main, h("div", { class: "feed-title" }, h("h1", null, "Requests"), parts.state, parts.hint),
    form.element, parts.news, parts.rows, parts.more, parts.bar)
  session = open(first)
  if (remembered) session.restore(remembered)
  const stopKeys = listenToKeys({ step: (by) => session?.step(by), choose: () => session?.choose() })
  return () => {
    stopKeys()
    loading?.abort()
    session?.leave()
  }
}

function drawParts() {
  const key = (name) => h("kbd", null, name)
  return {
    state: h("span", { class: "live" }),
    hint: h("p", { class: "hint faint" },
      key("j"), " ", key("k"), " next, previous · ", key("Enter"), " open · ", key("x"), " select to compare"),
    news: h("div", { class: "news" }),
    rows: h("div", { class: "feed" }),
    more: h("div", { class: "more" }),
    bar: h("div", { class: "choice-place" }),
  }
}

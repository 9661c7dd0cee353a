// Live updates from GET /logs/stream. New requests appear at their place in the order, without moving the rows on the screen.

import { listen } from "../../lib/api.js"
import { announce } from "../../lib/dom.js"
import { formatAmount } from "../../lib/format.js"
import { keepRow } from "./row.js"

const TOGETHER_MS = 50
const ANNOUNCED_MS = 5000
const STATES = {
  connecting: "Connecting …",
  live: "Live",
  waiting: "Reconnecting …",
  refused: "Not live: refused by the server",
  away: "Not live: the server can't be reached",
  off: "Not live: collections are not streamed",
}

/** Show whether the list is live. */
export function showState(element, state) {
  element.dataset.state = state
  element.textContent = STATES[state]
}

/**
 * Follow the feed until `signal` is aborted: {show(), count()}.
 *
 * `show` scrolls to the first new row outside the viewport. `count` is their number.
 *
 *   hasMore()         whether the list ends before the last row of the feed
 *   onNews(count)     called with that number, and `isWhole`: false if rows are missing, so that the list must be reloaded
 *   onAdded(count)    called with the number of new rows, shown or not
 *   onState(state)    see lib/api.js
 *   refresh()         resolves to the first rows, in case some were missed
 */
export function follow({ query, signal, list, hasMore, onNews, onAdded, onState, refresh }) {
  const unseen = new Set()
  let further = 0
  let hasGap = false
  let arrived = []
  const report = () => onNews(unseen.size + further, !hasGap)
  const look = () => {
    for (const id of unseen) if (list.isInView(id)) unseen.delete(id)
    report()
  }
  const take = (rows, badge) => {
    const kept = rows.map(keepRow)
    for (const row of kept) if (list.has(row.request_id)) list.update(row, badge)
    const fresh = kept.filter((row) => !list.has(row.request_id))
    if (!fresh.length) return report()
    const added = keepPlace(list, () => list.insert(fresh, "new", hasMore()))
    further += added.further
    for (const id of added.shown) unseen.add(id)
    announceCount(fresh.length)
    onAdded(fresh.length)
    report()
    requestAnimationFrame(look) // a first row has no element in the page until now
  }
  const catchUp = async () => {
    const rows = await refresh().catch(() => [])
    if (signal.aborted) return
    // If the list has none of the first rows, there may be others between them and the list.
    hasGap ||= list.size() > 0 && rows.length > 0 && !rows.some((row) => list.has(row.request_id))
    take(hasGap ? [] : rows, null)
    if (hasGap) onNews(rows.length, false)
  }
  const gather = (row) => {
    if (arrived.push(row) === 1) setTimeout(() => signal.aborted || take(arrived.splice(0), "replaced"), TOGETHER_MS)
  }
  let waits = false
  addEventListener("scroll", () => {
    if (waits || !unseen.size) return
    waits = true
    requestAnimationFrame(() => {
      waits = false
      if (!signal.aborted) look()
    })
  }, { signal, passive: true })
  listen({
    query,
    signal,
    onMessage: (message) => (message.type === "new_log" ? gather(message.data) : catchUp()),
    onState(state, startsNow) {
      if (signal.aborted) return
      onState(state)
      // Requests may have been stored between loading the page and the start of the stream.
      if (startsNow) catchUp()
    },
  })
  return {
    show() {
      const [first] = list.rows().map((row) => row.request_id).filter((id) => unseen.has(id))
      unseen.clear()
      further = 0
      if (first) list.show(first)
      report()
    },
  }
}

// Keep the anchor where it is on the screen. Browsers do so only in some cases, so their scroll anchoring is off meanwhile.
function keepPlace(list, change) {
  const anchor = list.anchor()
  const before = anchor?.getBoundingClientRect().top
  document.documentElement.style.setProperty("overflow-anchor", "none")
  const result = change()
  if (anchor?.isConnected) scrollBy(0, anchor.getBoundingClientRect().top - before)
  requestAnimationFrame(() => document.documentElement.style.removeProperty("overflow-anchor"))
  return result
}

let announcedAt = 0

function announceCount(count) {
  if (Date.now() - announcedAt < ANNOUNCED_MS) return
  announcedAt = Date.now()
  announce(`${formatAmount(count, "new request")}.`)
}

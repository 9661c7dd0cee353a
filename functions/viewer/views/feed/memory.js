// Remember the rows and scroll position of the feed, to restore them when the user navigates back, and to go from one
// request to the next in the order of the feed.

import { countSignIns } from "../../lib/identity.js"

let kept = null

/** Return the state kept for this history entry, {rows, cursor, top, focused}. Without one, mark the entry; return null. */
export function recall() {
  const mark = history.state?.feed
  if (mark && kept?.mark === mark && kept.signIns === countSignIns()) return kept
  history.replaceState({ ...history.state, feed: crypto.getRandomValues(new Uint32Array(2)).join("-") }, "")
  return null
}

/** Return the mark that `keep` needs. Call it while the feed is still the current history entry. */
export function markOf() {
  return { mark: history.state?.feed, signIns: countSignIns() }
}

/** Keep the state of the feed when the user leaves it. `load(cursor)` resolves to a further page. */
export function keep(mark, { rows, cursor, total, isBound, sort, load, top, focused }) {
  kept = rows.length ? { ...mark, rows, cursor, total, isBound, sort, load, top, focused } : null
}

/** Remove a request that was deleted. */
export function forget(requestId) {
  const rows = kept?.rows.filter((row) => row.request_id !== requestId) ?? []
  if (!kept || rows.length === kept.rows.length) return
  kept.rows = rows
  if (kept.total && !kept.isBound) kept.total -= 1
}

/**
 * Find the neighbors of a request in the feed that the user saw last: {previous, next, sort}, with ids or null.
 *
 * At the end of the loaded rows, the next page is loaded. Resolves to null if the feed does not list the request.
 */
export async function findNeighbors(requestId) {
  if (kept?.signIns !== countSignIns()) return null
  const feed = kept
  const at = feed.rows.findIndex((row) => row.request_id === requestId)
  if (at < 0) return null
  if (at === feed.rows.length - 1 && feed.cursor) {
    feed.loading ??= loadMore(feed)
    await feed.loading
  }
  return { previous: feed.rows[at - 1]?.request_id ?? null, next: feed.rows[at + 1]?.request_id ?? null, sort: feed.sort }
}

async function loadMore(feed) {
  const page = await feed.load(feed.cursor).catch(() => ({ rows: [], cursor: feed.cursor }))
  feed.rows = [...feed.rows, ...page.rows]
  feed.cursor = page.cursor
  feed.loading = null
}

// Where somebody was in the feed, for when they come back to it by the browser's back button.

import { getKey } from "../../lib/session.js"

let kept = null

/** Mark this entry of the history, and get what was kept for it: {rows, cursor, top, focused}, or null. */
export function recall() {
  const mark = history.state?.feed
  if (mark && kept?.mark === mark && kept.key === getKey()) return kept
  history.replaceState({ ...history.state, feed: crypto.getRandomValues(new Uint32Array(2)).join("-") }, "")
  return null
}

/** What `keep` will need, taken while the feed is still the page's address. */
export function markOf() {
  return { mark: history.state?.feed, key: getKey() }
}

/** Keep the feed that is being left. */
export function keep(mark, { rows, cursor, top, focused }) {
  kept = rows.length ? { ...mark, rows, cursor, top, focused } : null
}

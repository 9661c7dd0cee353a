// Remember the rows and scroll position of the feed, to restore them when the user navigates back.

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

/** Keep the state of the feed when the user leaves it. */
export function keep(mark, { rows, cursor, top, focused }) {
  kept = rows.length ? { ...mark, rows, cursor, top, focused } : null
}

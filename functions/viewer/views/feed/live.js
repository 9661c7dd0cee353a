// Live updates from GET /logs/stream. New requests are shown at once, or held back while the user is reading.

import { listen } from "../../lib/api.js"
import { announce } from "../../lib/dom.js"
import { keepRow } from "./row.js"

const TOGETHER_MS = 50
const ANNOUNCED_MS = 5000
const MOST_HELD = 500
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
 * Follow the feed until `signal` is aborted: {release(), isWhole()}.
 *
 * `release` shows the held rows and returns the id of the newest. `isWhole` is false if some rows were dropped because
 * too many arrived; reload the list then.
 *
 *   isReading()        whether adding rows at the top would move the text that the user is reading
 *   onHeld(count)      called with the number of held rows after each change of the list
 *   onState(state)     see lib/api.js
 *   refresh()          resolves to the newest rows, in case some were missed
 */
export function follow({ query, signal, list, isReading, onHeld, onState, refresh }) {
  const held = new Map()
  let dropped = 0
  let hasGap = false
  let arrived = []
  const take = (rows, badge) => {
    for (const row of rows.map(keepRow)) {
      if (list.has(row.request_id)) list.update(row, badge)
      else if (held.size < MOST_HELD || held.has(row.request_id)) held.set(row.request_id, row)
      else dropped += 1
    }
    if (held.size && !hasGap && !isReading()) release()
    else onHeld(held.size + dropped)
  }
  const release = () => {
    const rows = [...held.values()]
    held.clear()
    list.prepend(rows, "new")
    announceCount(rows.length)
    onHeld(0)
    return rows.at(-1)?.request_id
  }
  const catchUp = async () => {
    const rows = await refresh().catch(() => [])
    if (signal.aborted) return
    // If the list has none of the newest rows, there may be others between them and the list.
    hasGap ||= list.size() > 0 && rows.length > 0 && !rows.some((row) => list.has(row.request_id))
    take(rows.reverse(), null)
  }
  const gather = (row) => {
    if (arrived.push(row) === 1) setTimeout(() => signal.aborted || take(arrived.splice(0), "replaced"), TOGETHER_MS)
  }
  let wasLive = false
  listen({
    query,
    signal,
    onMessage: (message) => (message.type === "new_log" ? gather(message.data) : catchUp()),
    onState(state) {
      if (signal.aborted) return
      onState(state)
      // Requests may have been stored between loading the page and the start of the stream.
      if (state === "live" && !wasLive) catchUp()
      wasLive ||= state === "live"
    },
  })
  return { release, isWhole: () => !dropped && !hasGap }
}

let announcedAt = 0

function announceCount(count) {
  if (Date.now() - announcedAt < ANNOUNCED_MS) return
  announcedAt = Date.now()
  announce(count === 1 ? "1 new request." : `${count} new requests.`)
}

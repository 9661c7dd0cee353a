// What is stored while the feed is open: told by GET /logs/stream, shown at once or held back while somebody reads.

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
  refused: "Not live: the server refuses it",
  away: "Not live: the server cannot be asked",
  off: "Not live: what is in a collection changes by hand",
}

/** Say in words, too, whether the list follows what is stored. */
export function showState(element, state) {
  element.dataset.state = state
  element.textContent = STATES[state]
}

/**
 * Follow the feed until `signal` is aborted: {release(), isWhole()}. What is held back waits for `release`, which answers
 * the id of the newest; it is whole unless so many came that a new list serves better.
 *
 *   isReading()        whether rows on top would move what somebody looks at
 *   onHeld(count)      how many are held back; called after each change of the list
 *   onState(state)     see lib/api.js
 *   refresh()          resolves to the newest rows, for what may have been missed
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
    tellCount(rows.length)
    onHeld(0)
    return rows.at(-1)?.request_id
  }
  const catchUp = async () => {
    const rows = await refresh().catch(() => [])
    if (signal.aborted) return
    // None of the newest is known here: there may be more between them and the list.
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
      // Between the page that was read and the stream's beginning something may have been stored.
      if (state === "live" && !wasLive) catchUp()
      wasLive ||= state === "live"
    },
  })
  return { release, isWhole: () => !dropped && !hasGap }
}

let told = 0

function tellCount(count) {
  if (Date.now() - told < ANNOUNCED_MS) return
  told = Date.now()
  announce(count === 1 ? "A new request." : `${count} new requests.`)
}

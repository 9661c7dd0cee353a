// Keep the rows on the screen current. The stream sends only stored traces, not later changes (tags, outcomes, comments)
// or deletions.

import { api } from "../../lib/api.js"
import { keepRow } from "./row.js"

const CHECK_MS = 5000
const USED_MS = 60000
const MOST = 100

/**
 * Read the rows on the screen again: when the page is shown or gets the focus, and every 5 s while someone uses it.
 *
 * A page that nobody uses sends nothing, so that it does not keep a database awake. Unchanged rows cost a 304.
 *
 *   query         the parameters of GET /logs
 *   onGone(ids)   called with requests that were deleted, or that no longer pass the filters
 */
export function keepCurrent({ list, query, signal, onGone }) {
  let usedAt = Date.now()
  let isBusy = false
  const check = async () => {
    const shown = list.visible().filter((row) => query.sort !== "confidence" || row.sequence_confidence !== null)
    if (isBusy || document.hidden || !shown.length) return
    isBusy = true
    const page = await api("/logs", { query: { ...query, ...findSpan(shown, query.sort), limit: MOST }, signal }).catch(() => null)
    isBusy = false
    if (page && !signal.aborted) apply(page, shown)
  }
  const apply = (page, shown) => {
    const found = new Map(page.data.map((row) => [row.request_id, row]))
    // A row that changed during the call came from the stream, and is newer.
    const unchanged = shown.filter((row) => list.get(row.request_id) === row)
    const gone = page.next_cursor ? [] : unchanged.filter((row) => !found.has(row.request_id))
    for (const { request_id: id } of unchanged) if (found.has(id)) list.update(keepRow(found.get(id)))
    if (gone.length) onGone(gone.map((row) => row.request_id))
  }
  const use = () => { usedAt = Date.now() }
  for (const name of ["pointermove", "keydown", "scroll"]) addEventListener(name, use, { signal, passive: true })
  addEventListener("focus", check, { signal })
  document.addEventListener("visibilitychange", check, { signal })
  const timer = setInterval(() => Date.now() - usedAt < USED_MS && check(), CHECK_MS)
  signal.addEventListener("abort", () => clearInterval(timer))
  return { check }
}

// The range of the rows in the order of the list. A Date has milliseconds, and `created_to` is exclusive.
function findSpan(rows, sort) {
  const values = rows.map((row) => (sort === "confidence" ? row.sequence_confidence : Date.parse(row.created_ts)))
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (sort === "confidence") return { min_confidence: low, max_confidence: high }
  return { created_from: new Date(low).toISOString(), created_to: new Date(high + 1).toISOString() }
}

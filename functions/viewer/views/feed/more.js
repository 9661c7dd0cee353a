// The end of a list: load more rows when the user scrolls near it or presses its button.

import { errorNote, h, replace } from "../../lib/dom.js"

const NEAR = "600px"

/** Draw the end of a list of `total` rows, of which `shown` are drawn. `read(offset)` resolves to the rows from there on. */
export function drawMoreOf(element, { shown, total, signal, signIn, read, add }) {
  const next = (offset) => (offset < total ? offset : null)
  const load = async (offset) => {
    const rows = await read(offset)
    return { rows, cursor: rows.length ? next(offset + rows.length) : null }
  }
  drawMore(element, { cursor: next(shown), signal, signIn, load, add })
}

/** Draw the button: {load(), cursor()}. `load(cursor)` resolves to a page; `add(rows)` shows its rows. */
export function drawMore(element, { cursor, signal, signIn, load, add }) {
  let isLoading = false
  const sight = new IntersectionObserver(([entry]) => entry.isIntersecting && loadMore(), { rootMargin: NEAR })
  signal.addEventListener("abort", () => sight.disconnect())
  const button = h("button", { onclick: () => loadMore() }, "Load more")
  const draw = (error = null) => {
    sight.disconnect()
    button.textContent = isLoading ? "Loading …" : "Load more"
    button.setAttribute("aria-disabled", String(isLoading))
    replace(element, error && errorNote(error), cursor && button)
    // After an error, the user retries with the button; the page does not retry automatically.
    if (cursor && !isLoading && !error) sight.observe(button)
  }
  const loadMore = async () => {
    if (isLoading || !cursor) return
    isLoading = true
    draw()
    const page = await load(cursor).catch((error) => ({ error, cursor, rows: [] }))
    if (signal.aborted) return
    isLoading = false
    cursor = page.cursor
    if (page.error?.status === 401) return signIn(page.error.message)
    add(page.rows)
    draw(page.error)
  }
  draw()
  return { load: loadMore, cursor: () => cursor }
}

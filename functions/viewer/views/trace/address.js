// The address of a request's page: the pinned token, counted from 1, the score that colors the text, and the window.

import { viewPath } from "../../lib/api.js"
import { WINDOW } from "../../lib/scores.js"
import { FIRST_MODE, MODES } from "./modes.js"

export const WINDOWS = [8, 16, 32, 64, 128]

/** Read the address of a trace of `count` tokens: {mode, window, token}. `token` is an index or null. */
export function readAddress({ searchParams }, count) {
  const [mode, window, token] = [searchParams.get("mode") ?? "", Number(searchParams.get("window")), Number(searchParams.get("token"))]
  return {
    mode: Object.hasOwn(MODES, mode) ? mode : FIRST_MODE,
    window: WINDOWS.includes(window) ? window : WINDOW,
    token: Number.isInteger(token) && token >= 1 && token <= count ? token - 1 : null,
  }
}

/** Write the given parts of the address without a new entry of the history. */
export function writeAddress(parts) {
  const address = new URL(location.href)
  const write = (name, value, absent) => {
    if (value === absent) address.searchParams.delete(name)
    else if (value !== undefined) address.searchParams.set(name, value)
  }
  write("mode", parts.mode, FIRST_MODE)
  write("window", parts.window, WINDOW)
  write("token", parts.token === undefined || parts.token === null ? parts.token : parts.token + 1, null)
  history.replaceState(history.state, "", address)
}

/** Return the address of a token on this page, or the address of the page for null. */
export function linkTo(index, requestId = null) {
  const path = requestId === null ? location.pathname : viewPath(requestId)
  return index === null ? path : `${path}?token=${index + 1}`
}

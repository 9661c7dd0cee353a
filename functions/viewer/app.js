// The frame around the views: routing, signing in and out, and the header.

import { announce, drawLoading, errorNote, h, hide, replace } from "./lib/dom.js"
import { isLocalZone, nameZone, switchZone } from "./lib/format.js"
import { findIdentity, forgetIdentity, getIdentity, signOut, signOutEverywhere } from "./lib/identity.js"
import { drawMenu } from "./lib/menu.js"
import { pause, pauseAfter, waitForServer } from "./lib/outage.js"
import { getKey } from "./lib/session.js"
import { askForKey } from "./views/sign_in.js"

// [path pattern, name, module, title]. A module exports `show(main, context)`, which may return a function to call when
// the user leaves the view. `context` is {address: URL, parameters, go(path), signal, signIn()}; `signal` is
// aborted when the user leaves the view. Style sheets select a view by its name. A view may replace the title.
const VIEWS = [
  [/^\/$/, "feed", () => import("./views/feed.js"), "Requests"],
  [/^\/view\/(?<id>.+)$/, "trace", () => import("./views/trace.js"), "Request"],
  [/^\/share\/request\/(?<token>[^/]+)$/, "trace", () => import("./views/trace.js"), "Shared request"],
  [/^\/share\/(?<token>[^/]+)\/request\/(?<member>[^/]+)$/, "trace", () => import("./views/trace.js"), "Shared request"],
  [/^\/share\/(?<token>[^/]+)$/, "collection", () => import("./views/collection.js"), "Shared collection"],
  [/^\/collection$/, "collections", () => import("./views/collections.js"), "Collections"],
  [/^\/collection\/(?<id>\d+)$/, "collections", () => import("./views/collections/one.js"), "Collection"],
  [/^\/compare$/, "compare", () => import("./views/compare.js"), "Compare"],
  [/^\/overview$/, "overview", () => import("./views/overview.js"), "Overview"],
  [/^\/score$/, "trace", () => import("./views/score.js"), "Score a response"],
  [/^\/keys$/, "keys", () => import("./views/keys.js"), "API keys"],
  [/^\/sign-in$/, "sign-in", () => import("./views/sign_in.js"), "Sign in"],
]
const LINKS = [["/", "Requests"], ["/collection", "Collections"], ["/compare", "Compare"], ["/overview", "Overview"], ["/score", "Score"]]

const LOADING_LINES = 5
const FAILURES = { 403: "Not allowed", 404: "Not found" }

const main = document.getElementById("main")
let leaving = new AbortController()
let leave = null
let isAsking = false
let failures = 0

/** Navigate to a path, as a link to it would. */
export function go(path, { replaces = false } = {}) {
  const previous = location.pathname
  history[replaces ? "replaceState" : "pushState"](null, "", path)
  return open({ focuses: location.pathname !== previous, isNew: true })
}

async function open({ focuses = false, isNew = false } = {}) {
  const hadFocus = main.contains(document.activeElement)
  isAsking = false
  leave?.()
  leave = null
  if (isNew) scrollTo({ top: 0 })
  leaving.abort()
  leaving = new AbortController()
  const { signal } = leaving
  const address = new URL(location.href)
  const found = VIEWS.map(([pattern, ...rest]) => [pattern.exec(address.pathname), ...rest]).find(([match]) => match)
  drawHeader(address.pathname)
  // A shared page needs no user. If the server does not answer, the view shows why.
  if (!/^\/(share\/|sign-in$)/.test(address.pathname)) findIdentity().then(() => drawHeader(location.pathname), () => {})
  main.dataset.view = found?.[1] ?? ""
  if (!found) return showNotFound()
  const [match, name, load, title] = found
  document.title = `${title} · Thunder`
  try {
    const named = Object.entries(match.groups ?? {})
    const parameters = Object.fromEntries(named.map(([name, text]) => [name, decodeURIComponent(text)]))
    replace(main, drawLoading(LOADING_LINES, name === "trace" ? parameters.id ?? title : title))
    const view = await load()
    if (signal.aborted) return
    const done = await view.show(main, { address, parameters, go, signal, signIn })
    if (signal.aborted) done?.()
    else leave = done
    failures = 0
  } catch (error) {
    if (signal.aborted) return
    if (error.status === 401) return signIn(error.message)
    if (error instanceof URIError) return showNotFound() // a "%" that encodes nothing
    showFailure(error)
  }
  if (signal.aborted) return
  // The element with the focus may be gone.
  if (focuses || (hadFocus && document.activeElement === document.body)) main.focus()
}

// An error without a status comes from the browser: it could not load one of the viewer's files. The view opens again when
// the server is back.
async function showFailure(error) {
  const isOff = error.status === undefined || error.status === 0 || error.status === 503
  const shown = error.status === undefined && error instanceof TypeError ? { message: "The server can't be reached. Check that it is running and that you are online." } : error
  const [href, text] = main.dataset.view === "collections" ? ["/collection", "All collections"] : ["/", "All requests"]
  replace(main, h("h1", null, FAILURES[error.status] ?? "Something went wrong"), errorNote(shown),
    isOff || location.pathname.startsWith("/share/") ? null : h("p", null, h("a", { href }, text)),
    isOff ? h("p", { class: "faint" }, "This page opens automatically when the server is back.") : null,
    isOff || error.status >= 500 ? h("p", null, h("button", { onclick: () => open({ focuses: true }) }, "Try again")) : null)
  if (!isOff) return
  const { signal } = leaving
  await pause(pauseAfter(failures), signal)
  failures += 1
  await waitForServer(signal)
  if (!signal.aborted) open()
}

function showNotFound() {
  document.title = "Not found · Thunder"
  replace(main, h("h1", null, "Not found"), h("p", null, h("a", { href: "/" }, "All requests")))
}

/** Ask for an API key, then return to the same address with it. */
export function signIn(message = null) {
  if (isAsking) return // several calls of a view are refused
  isAsking = true
  const wasSignedIn = getIdentity() || getKey()
  // The first refusal removes an ended cookie, so later calls of the view fail with another reason: a missing key.
  if (!getKey()) message &&= "cookie: signed out or expired, or its key is no longer valid; sign in again"
  forgetIdentity()
  drawHeader(location.pathname)
  askForKey(main, { error: message && wasSignedIn ? { message } : null, onDone: () => open({ focuses: true }) })
}

async function leaveAll(end) {
  try {
    announce((await end()) ?? "Signed out.")
    go("/")
  } catch (error) {
    announce(error.message)
    showFailure(error)
  }
}

function drawHeader(path) {
  const links = [...LINKS, ...(getIdentity()?.is_admin ? [["/keys", "Keys"]] : [])].map(([href, name]) => h("a", { href, "aria-current": href === path ? "page" : null }, name))
  const identity = getIdentity()
  replace(
    document.getElementById("header"),
    h("a", { class: "brand", href: "/" }, "Thunder"),
    path.startsWith("/share/") ? null : h("nav", { "aria-label": "Views" }, links),
    drawZone(),
    identity || getKey()
      ? [identity && drawUser(identity), h("button", { class: "quiet", onclick: () => leaveAll(signOut) }, "Sign out")]
      : null,
  )
}

// The header is drawn again when the view changes, which closes the menu.
function drawUser({ name }) {
  const menu = drawMenu(h("span", { class: "name", title: name }, name), () => [
    h("p", null, "All browsers that have signed in with this key:"),
    h("button", { onclick: () => leaveAll(signOutEverywhere) }, "Sign out everywhere"),
  ], leaving.signal)
  menu.classList.add("who")
  return menu
}

function drawZone() {
  const other = isLocalZone() ? "UTC" : "your time zone"
  const change = () => {
    switchZone()
    open()
    announce(`Times are shown in ${nameZone()}.`)
  }
  return h("button", { class: "quiet zone", title: `Times are shown in ${nameZone()}. Switch to ${other}.`, onclick: change },
    hide("Time zone: "), nameZone())
}

// Follow links between views without reloading the page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]")
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return
  if (link.origin !== location.origin || link.target || link.hasAttribute("download")) return
  if (!VIEWS.some(([pattern]) => pattern.test(link.pathname))) return
  event.preventDefault()
  // The skip link stays on the page: navigating would redraw the view.
  if (link.getAttribute("href").startsWith("#")) return main.focus()
  go(link.pathname + link.search + link.hash)
})
window.addEventListener("popstate", () => open())
open()

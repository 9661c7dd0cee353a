// The signed-in user. Either the browser has a cookie, which scripts can't read and all tabs share, or this tab has a key
// in its session storage, which closing the tab deletes. The key of the tab takes precedence.

import { api } from "./api.js"
import { forgetKey, setKey } from "./session.js"

let identity = null
let asking = null
let changes = 0

/** The identity of the signed-in user ({name, allowed_api_key, is_admin}); null while it is unknown. */
export function getIdentity() {
  return identity
}

/** Ask the server for the identity of the signed-in user, unless it is known. Resolves to null if nobody is signed in. */
export function findIdentity() {
  asking ??= ask(changes)
  return asking
}

/** A number that changes when another user signs in, so that nobody sees what the previous user left in memory. */
export function countSignIns() {
  return changes
}

async function ask(version) {
  let answer = null
  try {
    answer = await api("/auth/me")
    return answer
  } catch (error) {
    if (error.status !== 401) throw error
    return null
  } finally {
    if (version === changes) {
      identity = answer
      if (!answer) asking = null // another tab may sign in
    }
  }
}

/** Forget the user of this tab, without signing the browser out. */
export function forgetIdentity() {
  forgetKey()
  identity = asking = null
  changes += 1
}

/**
 * Sign in with a key, in this browser or only in this tab. Resolves to the identity.
 *
 * Over plain HTTP from another machine, browsers don't report the origin of a read, so the server can't accept the
 * cookie. Then the browser is signed out, because the cookie would still count for writes, and the key stays in this tab.
 */
export async function signInWithKey(key, { onlyThisTab }) {
  forgetIdentity()
  if (!onlyThisTab) {
    await api("/auth/sign-in", { method: "POST", body: {}, key })
    if (await findIdentity()) return identity
    await signOut()
  }
  try {
    // Before it is kept, because a key that is not live must not stay.
    await api("/auth/validate", { key })
  } catch (error) {
    forgetIdentity()
    throw error
  }
  setKey(key)
  asking = null
  return await findIdentity()
}

/** Sign this browser in with the token of a link. Resolves to the identity. */
export async function signInByLink(link) {
  forgetIdentity()
  await api("/auth/sign-in", { method: "POST", body: { link }, key: null })
  if (await findIdentity()) return identity
  await signOut()
  throw new Error("The link doesn't work here: over plain HTTP, only a browser on the server's machine can use it. Open Thunder with HTTPS, or sign in with a key.")
}

/** Sign out all browsers that have signed in with the key of this one. Resolves to the server's sentence. */
export async function signOutEverywhere() {
  const { message } = await api("/auth/sign-out", { method: "POST", query: { everywhere: true } })
  forgetIdentity()
  return message
}

/** Sign out of this tab and this browser. */
export async function signOut() {
  forgetIdentity()
  try {
    await api("/auth/sign-out", { method: "POST", key: null })
  } catch (error) {
    if (error.status !== 401) throw error // without a cookie, there is nothing to end
  }
}

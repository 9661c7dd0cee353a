// API keys, for admins: list, create, rotate and revoke them. A key is shown once, when it is created.

import { api } from "../lib/api.js"
import { announce, emptyState, errorNote, h, redraw, replace } from "../lib/dom.js"
import { drawSecret } from "../lib/parts.js"
import { drawNewKey } from "./keys/form.js"
import { drawKeys } from "./keys/table.js"

const PATH = "/auth/keys"

export async function show(main, { signal, signIn }) {
  const note = h("div", { class: "key-note", role: "status", tabindex: -1 })
  const list = h("div")
  let showsEnded = false
  let isBusy = false
  const load = async () => {
    const { keys } = await api(PATH, { signal })
    redraw(list, note, drawList(keys, { showsEnded, onToggle, rotate, revoke }))
  }
  const onToggle = (wanted) => {
    showsEnded = wanted
    attempt(async () => null)
  }
  // Run a change, show its result or error above the list, and load the list again. Resolves to whether it worked.
  const attempt = async (change) => {
    if (isBusy) return false
    isBusy = true
    replace(note)
    try {
      const shown = await change()
      if (!signal.aborted && shown) replace(note, shown) // a rotated key may be the one that signed in, so loading fails
      await load()
      return true
    } catch (error) {
      if (error.status === 401 && !note.hasChildNodes()) signIn(error.message)
      else if (!signal.aborted) note.append(errorNote(error))
      return false
    } finally {
      isBusy = false
      if (!signal.aborted) note.scrollIntoView({ block: "nearest" })
    }
  }
  const create = (body) => attempt(async () => drawKey(await api(PATH, { method: "POST", body })))
  const rotate = (key, hours) => attempt(async () => {
    const made = await api(`${PATH}/${key.id}/rotate`, { method: "POST", body: { overlap_hours: hours } })
    return drawKey(made)
  })
  const revoke = (key) => attempt(async () => {
    await api(PATH, { method: "DELETE", body: { id: key.id } })
    announce(`Key ${key.name} revoked.`)
    return h("p", { class: "note" }, `Key ${key.name} is revoked.`)
  })
  const [users] = await Promise.all([api("/logs/api-keys", { signal }), load()])
  if (signal.aborted) return
  replace(main, h("h1", null, "API keys"), note, drawNewKey(users.api_keys, create, { isOpen: !list.querySelector("table") }), list)
}

function drawList(keys, { showsEnded, onToggle, rotate, revoke }) {
  const live = keys.filter((key) => key.is_active)
  const shown = showsEnded ? keys : live
  const toggle = h("label", { class: "check" },
    h("input", { type: "checkbox", "data-focus": "ended", checked: showsEnded, onchange: (event) => onToggle(event.target.checked) }),
    ` Show revoked and expired keys (${keys.length - live.length})`)
  return [
    shown.length ? drawKeys(shown, { rotate, revoke }) : emptyState("No keys", "Create a key for each engine, program and person, so that you can revoke each key separately."),
    keys.length > live.length ? h("p", null, toggle) : null,
  ]
}

function drawKey({ name, api_key: secret, message }) {
  announce(`Key ${name} created.`)
  return drawSecret(secret, h("strong", null, "The key of ", name), ": ", message, ".")
}

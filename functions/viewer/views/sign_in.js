// The page to sign in. It shows where a view needs a user, and at /sign-in, where links of `make run` lead.

import { announce, drawForm, errorNote, h, replace } from "../lib/dom.js"
import { signInByLink, signInWithKey } from "../lib/identity.js"

// HTTP headers can't carry other characters.
const SENDABLE = /^[\x21-\x7e]+$/

export async function show(main, { address, go }) {
  const home = () => go("/", { replaces: true })
  const link = address.hash.slice(1)
  if (!link) return askForKey(main, { onDone: home })
  history.replaceState(null, "", "/sign-in") // the token works once, so the history need not keep it
  try {
    const { name } = await signInByLink(link)
    announce(`Signed in as ${name}.`)
    await home()
  } catch (error) {
    askForKey(main, { error, onDone: home })
  }
}

/** Show the form. `onDone` is called when the user is signed in. */
export function askForKey(main, { error = null, onDone }) {
  document.title = "Sign in · Thunder"
  const field = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true })
  const onlyThisTab = h("input", { id: "only-this-tab", type: "checkbox" })
  const note = h("div", null, error ? errorNote(error) : null)
  const submit = async () => {
    try {
      const key = field.value.trim()
      if (!SENDABLE.test(key)) throw new Error("Not a valid API key: keys contain printable ASCII characters and no spaces.")
      const { name } = await signInWithKey(key, { onlyThisTab: onlyThisTab.checked })
      announce(`Signed in as ${name}.`)
      await onDone()
    } catch (failure) {
      replace(note, errorNote(failure))
      field.focus()
    }
  }
  replace(
    main,
    h("section", { class: "sign-in" },
      h("h1", null, "Sign in"),
      h("p", null, "You need an API key, or a link from ", h("code", null, "make run"), ", which prints both."),
      drawForm(null, submit,
        h("label", { for: "key" }, "API key"), field,
        h("div", { class: "choice" }, onlyThisTab, h("label", { for: "only-this-tab" }, "Only in this tab")),
        h("button", { class: "primary" }, "Sign in")),
      h("p", { class: "faint" }, "By default, all tabs of this browser are signed in for 30 days, or until you sign out or the key is no longer valid. With “Only in this tab”, closing the tab removes the key."),
      note),
  )
  field.focus()
}

// Keyboard shortcuts of a request's page, and the dialog that lists them.

import { h } from "../../lib/dom.js"
import { listenToKeys } from "../../lib/keys.js"

const TEXT_KEYS = [["← →", "pin the previous or next token"], ["↑ ↓", "move by 10 tokens"], ["Home End", "go to the first or last token"]]

/**
 * Listen for shortcuts: `shortcuts` maps a key to [description, function]. `onEscape()` returns whether it did something.
 *
 * Returns the dialog, which "?" opens.
 */
export function drawKeys(shortcuts, onEscape, signal) {
  const list = [...Object.entries(shortcuts).map(([key, [does]]) => [key, does]), ...TEXT_KEYS, ["Esc", "close the search, or release the pin"], ["?", "show this list"]]
  const dialog = h("dialog", { class: "keys", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, "Keyboard shortcuts"),
    h("dl", null, list.map(([key, does]) => h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, does)))),
    h("form", { method: "dialog" }, h("button", { class: "primary" }, "Close")))
  const actions = Object.fromEntries(Object.entries(shortcuts).map(([key, [, act]]) => [key, act]))
  listenToKeys({ ...actions, "?": () => dialog.showModal(), Escape: onEscape }, signal)
  return dialog
}

// The tabs below the text. A tab's content is built each time the user opens it.

import { errorNote, h, replace } from "../../lib/dom.js"
import { formatCount } from "../../lib/format.js"
import { drawExceptions, drawMods } from "./tabs/mods.js"
import { drawCollections } from "./tabs/collections.js"
import { drawComments } from "./tabs/comments.js"
import { drawInterventions } from "./tabs/interventions.js"
import { drawJson } from "./tabs/json.js"
import { drawShare } from "./tabs/share.js"
import { drawTags } from "./tabs/tags.js"

/**
 * Draw the tabs: {element, comment(index)}; `comment` opens a comment on a token.
 *
 * `path` is the log's API path, `isOwn` whether the user can edit it; `goTo(index)` selects a token.
 */
export function drawTabs(trace, { path, isOwn, goTo, signal, signIn }) {
  const { log } = trace
  const exceptions = log.mod_calls.filter((call) => call.exception_occurred).length
  const tabs = [
    ["interventions", `Interventions (${formatCount(log.interventions?.length ?? 0)})`, drawInterventions],
    ["mods", `Mod calls (${formatCount(log.mod_calls.length)})`, drawMods],
    ["exceptions", `Exceptions (${formatCount(exceptions)})`, drawExceptions],
    ["json", "Raw JSON", drawJson],
    ...(isOwn ? [
      ["tags", "Tags and favorites", drawTags],
      ["comments", "Comments", drawComments],
      ["collections", "Collections", drawCollections],
      ["share", "Share", drawShare],
    ] : []),
  ]
  const panel = h("div", { class: "tab-panel", role: "tabpanel", tabindex: "0", id: "tab-panel" })
  const buttons = tabs.map(([name, title]) => h("button", { role: "tab", id: `tab-${name}`, "aria-controls": "tab-panel" }, title))
  let opened = 0
  const open = async (position, further = {}) => {
    opened += 1
    const [turn, box] = [opened, h("div")]
    buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", String(index === position))
      button.tabIndex = index === position ? 0 : -1
    })
    panel.setAttribute("aria-labelledby", buttons[position].id)
    replace(panel, h("p", { class: "loading" }, "Loading …"))
    try {
      await tabs[position][2](box, { trace, path, isOwn, goTo, signal, signIn, ...further })
    } catch (error) {
      if (error.status === 401 && !signal.aborted) return signIn(error.message)
      replace(box, errorNote(error))
    }
    if (turn === opened && !signal.aborted) replace(panel, box)  // the user may have opened another tab meanwhile
  }
  buttons.forEach((button, position) => button.addEventListener("click", () => open(position)))
  const list = h("div", { class: "tab-list", role: "tablist", "aria-label": "Request details", onkeydown: (event) => turn(event, buttons) }, buttons)
  open(exceptions ? 2 : 0)
  return {
    element: h("section", { class: "tabs" }, list, panel),
    comment: async (about) => {
      await open(tabs.findIndex(([name]) => name === "comments"), { about })
      const field = panel.querySelector("textarea")
      field?.scrollIntoView({ block: "center" })
      field?.focus()
    },
  }
}

function turn(event, buttons) {
  const position = buttons.indexOf(document.activeElement)
  const next = { ArrowRight: position + 1, ArrowLeft: position - 1, Home: 0, End: buttons.length - 1 }[event.key]
  if (next === undefined || position < 0) return
  event.preventDefault()
  const button = buttons[(next + buttons.length) % buttons.length]
  button.focus()
  button.click()
}

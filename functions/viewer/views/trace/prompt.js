// The prompt as a chat: one message per role, above the answer. Long messages are cut, because the answer matters more.

import { h } from "../../lib/dom.js"
import { formatAmount, showControls } from "../../lib/format.js"

/** The last messages are shown; the others are behind a button. */
const SHOWN_MESSAGES = 2

/** Draw the messages that led to the answer, and the prompt as the model read it. Null without a prompt. */
export function drawPrompt(log, signal) {
  const messages = listMessages(log)
  if (!messages.length && !log.formatted_prompt) return null
  const [earlier, last] = [messages.slice(0, -SHOWN_MESSAGES), messages.slice(-SHOWN_MESSAGES).map(drawMessage)]
  const all = h("button", { class: "quiet", hidden: true, "aria-expanded": "false", onclick: () => all.setAttribute("aria-expanded", String(section.classList.toggle("is-whole"))) }, "Whole prompt")
  const section = h("section", { class: "chat", "aria-label": "Prompt" },
    earlier.length ? h("details", null, h("summary", null, formatAmount(earlier.length, "earlier message")), earlier.map(drawMessage)) : null,
    last,
    h("div", { class: "chat-foot" }, all, log.formatted_prompt ? h("details", null, h("summary", null, "The prompt as the model read it"),
      h("pre", { dir: "auto", tabindex: "0" }, showControls(log.formatted_prompt))) : null))
  const isCut = (message) => message.lastChild.scrollHeight > message.lastChild.clientHeight + 1
  const observer = new ResizeObserver(() => (all.hidden = !section.classList.contains("is-whole") && !last.some(isCut)))
  observer.observe(section)
  signal.addEventListener("abort", () => observer.disconnect())
  return section
}

function listMessages(log) {
  if (log.messages?.length) return log.messages
  return [["system", log.system_prompt], ["user", log.user_prompt]].filter(([, content]) => content).map(([role, content]) => ({ role, content }))
}

// The class is one of a fixed set, because a role can be any text.
function drawMessage({ role, content }) {
  const kind = ["system", "developer", "user", "assistant", "tool"].find((name) => name === role) ?? "other"
  return h("div", { class: `message role-${kind}` },
    h("p", { class: "role" }, role || "message"),
    h("div", { class: "content", dir: "auto", tabindex: "0", role: "group", "aria-label": `${role || "message"}: text` }, showControls(content ?? "")))
}

// The prompt as a chat: one message per role, above the answer.

import { h } from "../../lib/dom.js"
import { showControls } from "../../lib/format.js"

const MANY_MESSAGES = 6

/** Draw the messages that led to the answer, and the prompt as the model read it. Null without a prompt. */
export function drawPrompt(log) {
  const messages = listMessages(log)
  const shown = messages.length > MANY_MESSAGES ? [messages.slice(0, -MANY_MESSAGES), messages.slice(-MANY_MESSAGES)] : [[], messages]
  if (!messages.length && !log.formatted_prompt) return null
  return h("section", { class: "chat", "aria-label": "Prompt" },
    shown[0].length ? h("details", null, h("summary", null, `${shown[0].length} earlier messages`), shown[0].map(drawMessage)) : null,
    shown[1].map(drawMessage),
    log.formatted_prompt ? h("details", null, h("summary", null, "The prompt as the model read it"),
      h("pre", { dir: "auto", tabindex: "0" }, showControls(log.formatted_prompt))) : null)
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

// Actions on a request: copy, download, compare, delete.

import { api, fetchText, requestPath } from "../../lib/api.js"
import { announce, copyNamed, h, replace } from "../../lib/dom.js"
import { formatTime } from "../../lib/format.js"
import { drawIcon } from "../../lib/icons.js"
import { drawMenu } from "../../lib/menu.js"
import { makeAttempt, saveFile } from "../../lib/parts.js"
import { forget } from "../feed/memory.js"
import { linkTo } from "./address.js"

const JSON_TYPE = "application/json"

/** Draw the menus and buttons. `course` is the chart or null, `pinned()` returns the index of the pinned token or null. */
export function drawActions(trace, { path, isOwn, course, pinned, main, signal, signIn }) {
  const { log } = trace
  const note = h("span", { class: "note" })
  const tell = (sentence) => {
    note.textContent = sentence
    announce(sentence)
  }
  const copy = (name, make) => [name, async () => tell(await copyNamed(name, make()))]
  const get = (name, work) => [name, async () => {
    try {
      await work()
      note.textContent = ""
    } catch (error) {
      tell(error.message)
    }
  }]
  const file = (ending) => `${log.request_id}${ending}`
  const here = () => new URL(linkTo(pinned(), isOwn ? log.request_id : null), location.origin).href
  return h("div", { class: "actions" },
    drawItems("Copy", "copy", [
      copy("id", () => log.request_id),
      copy("text", () => log.final_text ?? trace.tokens.filter((token) => !token.discarded).map((token) => token.text ?? "").join("")),
      copy("link", here),
      copy("curl command", () => `curl -sS -H ${isOwn ? '"X-API-Key: $KEY"' : '"Accept: application/json"'} '${location.origin}${path.replaceAll("'", "%27")}'`),
    ], signal),
    drawItems("Download", "download", [
      isOwn ? get("trace", async () => saveFile(new Blob([await fetchText(`${path}/trace`)], { type: JSON_TYPE }), file(".trace.json"))) : null,
      get("log", async () => saveFile(new Blob([await fetchText(path)], { type: JSON_TYPE }), file(".json"))),
      course ? get("chart as PNG", async () => saveFile(await course.toBlob(), file(".png"))) : null,
    ], signal),
    isOwn ? h("a", { class: "button", href: `/compare?a=${encodeURIComponent(log.request_id)}` }, drawIcon("compare"), h("span", { class: "label" }, "Compare")) : null,
    isOwn ? h("button", { class: "danger", onclick: () => confirmDeletion(log.request_id, main, signIn) }, drawIcon("trash"), h("span", { class: "label" }, "Delete …")) : null,
    note)
}

function drawItems(name, icon, items, signal) {
  const menu = drawMenu([drawIcon(icon), h("span", { class: "label" }, name)], () => items.filter(Boolean).map(([label, act]) => h("button", {
    onclick: () => {
      menu.open = false
      act()
    },
  }, label)), signal)
  return menu
}

function confirmDeletion(requestId, main, signIn) {
  const note = h("div")
  const attempt = makeAttempt(note, (message) => {
    dialog.close()
    signIn(message)
  })
  const remove = async () => {
    const answer = await attempt(() => api(requestPath(requestId), { method: "DELETE" }))
    if (!answer) return
    dialog.close()
    forget(requestId)
    showReceipt(main, requestId, answer.deletion)
  }
  const dialog = h("dialog", { "aria-labelledby": "delete-title", onclose: () => dialog.remove() },
    h("h2", { id: "delete-title" }, "Delete this request?"),
    h("p", null, "The trace, its scores, tags, comments and outcomes are deleted permanently. A receipt remains."),
    h("p", null, h("code", null, requestId)),
    note,
    h("div", { class: "buttons" }, h("button", { onclick: () => dialog.close() }, "Cancel"), h("button", { class: "danger", onclick: remove }, "Delete permanently")))
  main.append(dialog)
  dialog.showModal()
}

function showReceipt(main, requestId, receipt) {
  document.title = "Deleted · Thunder"
  replace(main,
    h("h1", null, "Deleted permanently"),
    h("p", null, h("code", null, requestId)),
    h("dl", { class: "receipt" }, [["Receipt", receipt.ordinal], ["SHA-256 of the id", receipt.request_sha256], ["Deleted at", formatTime(receipt.deleted_at)], ["Deleted by", receipt.deleted_by]]
      .filter(([, value]) => value !== undefined).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, String(value))))),
    h("p", null, h("a", { href: "/" }, "All requests")))
  main.focus()
  announce("Deleted permanently.")
}

// Actions on a request: copy, download, compare, delete.

import { api, fetchText, requestPath } from "../../lib/api.js"
import { announce, copyText, errorNote, h, replace } from "../../lib/dom.js"
import { drawIcon } from "../../lib/icons.js"
import { saveFile } from "../../lib/parts.js"
import { forget } from "../feed/memory.js"
import { linkTo } from "./address.js"

const JSON_TYPE = "application/json"

/** Draw the menus and buttons. `course` is the chart or null, `pinned()` returns the index of the pinned token or null. */
export function drawActions(trace, { path, isOwn, course, pinned, main }) {
  const { log } = trace
  const note = h("span", { class: "note" })
  const tell = (sentence) => {
    note.textContent = sentence
    announce(sentence)
  }
  const copy = (name, make) => [name, async () => tell((await copyText(make())) ? `Copied the ${name}.` : "The browser blocked copying.")]
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
    drawMenu("Copy", "copy", [
      copy("id", () => log.request_id),
      copy("text", () => log.final_text ?? trace.tokens.filter((token) => !token.discarded).map((token) => token.text ?? "").join("")),
      copy("link", here),
      copy("curl command", () => `curl -sS -H "X-API-Key: $KEY" '${location.origin}${requestPath(log.request_id).replaceAll("'", "%27")}'`),
    ]),
    drawMenu("Download", "download", [
      isOwn ? get("trace", async () => saveFile(new Blob([await fetchText(`${path}/trace`)], { type: JSON_TYPE }), file(".trace.json"))) : null,
      get("log", async () => saveFile(new Blob([await fetchText(path)], { type: JSON_TYPE }), file(".json"))),
      course ? get("chart as PNG", async () => saveFile(await course.toBlob(), file(".png"))) : null,
    ]),
    isOwn ? h("a", { class: "button", href: `/compare?a=${encodeURIComponent(log.request_id)}` }, drawIcon("compare"), h("span", { class: "label" }, "Compare")) : null,
    isOwn ? h("button", { class: "danger", onclick: () => confirmDeletion(log.request_id, main) }, drawIcon("trash"), h("span", { class: "label" }, "Delete …")) : null,
    note)
}

function drawMenu(name, icon, items) {
  const menu = h("details", { class: "menu" }, h("summary", { class: "button" }, drawIcon(icon), h("span", { class: "label" }, name)),
    h("div", { class: "items" }, items.filter(Boolean).map(([label, act]) => h("button", {
      onclick: () => {
        menu.open = false
        act()
      },
    }, label))))
  menu.addEventListener("focusout", (event) => menu.contains(event.relatedTarget) || (menu.open = false))
  return menu
}

function confirmDeletion(requestId, main) {
  const note = h("div")
  const remove = async () => {
    try {
      const { deletion } = await api(requestPath(requestId), { method: "DELETE" })
      dialog.close()
      forget(requestId)
      showReceipt(main, requestId, deletion)
    } catch (error) {
      replace(note, errorNote(error))
    }
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
    h("dl", { class: "receipt" }, [["Receipt", receipt.ordinal], ["SHA-256 of the id", receipt.request_sha256], ["Deleted at", receipt.deleted_at], ["Deleted by", receipt.deleted_by]]
      .filter(([, value]) => value !== undefined).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, String(value))))),
    h("p", null, h("a", { href: "/" }, "All requests")))
  main.focus()
  announce("Deleted permanently.")
}

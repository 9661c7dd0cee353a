// Elements out of plain values. Nothing here, and nothing in the viewer, parses markup: a trace's text is always text.

/**
 * Make an element: h("button", {class: "quiet", onclick: save, "aria-label": "Save"}, "Save").
 *
 * A property that begins with "on" is a listener; true is an attribute without a value; null, undefined and false are
 * left out. A child is a node, or text; null, undefined and false are left out, and lists are flattened.
 */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children)
}

/** The same for SVG: svg("path", {d: "M0 0"}). */
export function svg(tag, properties, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children)
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? "" : String(value))
  }
  element.append(...clean(children))
  return element
}

function clean(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
}

/** Put these children in the place of an element's own. */
export function replace(element, ...children) {
  element.replaceChildren(...clean(children))
}

/** Tell those who listen rather than look what has happened. */
export function announce(sentence) {
  document.getElementById("status").textContent = sentence
}

/** A heading and a sentence, for where there is nothing to show; further nodes may say what to do. */
export function emptyState(title, sentence, ...further) {
  return h("section", { class: "empty" }, h("h2", null, title), h("p", null, sentence), further)
}

/** Copy a text; where a page may not (plain http), it says so by what it resolves to. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

/** What went wrong, in the server's words, where whoever asked will look. */
export function errorNote(error) {
  return h("p", { class: "error", role: "alert" }, error.message)
}

// Functions that build elements. No code in the viewer parses markup, so the text of a trace is always shown as text.

/**
 * Create an element: h("button", {class: "quiet", onclick: save, "aria-label": "Save"}, "Save").
 *
 * A property whose name begins with "on" adds a listener. The value true sets an empty attribute; null, undefined and
 * false set none. A child is a node or text; null, undefined and false are skipped, and lists are flattened.
 */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children)
}

/** Create an SVG element: svg("path", {d: "M0 0"}). */
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

/** Create a form that calls `submit(form)` instead of loading a page. While its promise is pending, a double click does nothing. */
export function drawForm(properties, submit, ...children) {
  let isBusy = false
  const onsubmit = async (event) => {
    event.preventDefault()
    if (isBusy) return
    isBusy = true
    try {
      await submit(event.target)
    } finally {
      isBusy = false
    }
  }
  return h("form", { ...properties, onsubmit }, children)
}

/** Create a text for screen readers only. */
export function hide(...text) {
  return h("span", { class: "visually-hidden" }, text)
}

/** Replace the children of an element. */
export function replace(element, ...children) {
  element.replaceChildren(...clean(children))
}

/**
 * Replace the children of an element, and keep the focus: on the new element with the same `data-focus`, or on `fallback`.
 */
export function redraw(element, fallback, ...children) {
  const held = element.contains(document.activeElement) ? document.activeElement.dataset.focus ?? "" : null
  replace(element, ...children)
  if (held === null) return
  const same = [...element.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === held)
  const next = same ?? fallback
  next.focus()
}

/**
 * Draw a button whose second click runs `work`, for actions that can't be undone. Esc, or leaving the button, cancels.
 *
 * `name` is the name of the object, for screen readers. `focus` identifies the button for `redraw`.
 */
export function drawTwoStep(text, name, work, focus = null) {
  const shown = document.createTextNode(text)
  let isAsked = false
  const ask = (wanted) => {
    isAsked = wanted
    shown.data = wanted ? `Confirm ${text.toLowerCase()}` : text
    button.classList.toggle("danger", wanted)
  }
  const button = h("button", {
    class: "quiet",
    "data-focus": focus,
    onclick: () => (isAsked ? work() : ask(true)),
    onblur: () => ask(false),
    onkeydown: (event) => {
      if (event.key !== "Escape" || !isAsked) return
      event.preventDefault()
      ask(false)
    },
  }, shown, hide(` ${name}`))
  return button
}

/** Make a form run `cancel` on Esc. */
export function closeOnEscape(form, cancel) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return
    event.preventDefault()
    cancel()
  })
}

/** Make a form run `cancel` on Esc, and move the focus into it. */
export function holdFocus(form, cancel) {
  closeOnEscape(form, cancel)
  form.querySelector("input, textarea, select, button").focus()
}

/** Return the parts of a name, such as the name of a model or a mod, so that lines break between its words. */
export function drawName(name) {
  return name.split(/(?<=[_/.:-])/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]))
}

/** A placeholder for content that loads, so that the page shows its parts at once; `title` is the heading of a view. */
export function drawLoading(lines, title = null) {
  return h("div", { class: "loading" },
    h("p", { class: "visually-hidden" }, "Loading …"),
    h("div", { "aria-hidden": "true" }, title && h("div", { class: "title" }, title), Array.from({ length: lines }, () => h("span"))))
}

/** Announce a sentence to screen readers. */
export function announce(sentence) {
  document.getElementById("status").textContent = sentence
}

/** A heading and a sentence for an empty view; further nodes can suggest what to do. */
export function emptyState(title, sentence, ...further) {
  return h("section", { class: "empty" }, h("h2", null, title), h("p", null, sentence), further)
}

/** Copy text to the clipboard. Resolves to whether the browser allowed it. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copySelection(text)
  }
}

/** Copy text, and return a sentence that says so, or what to do. */
export async function copyNamed(name, text) {
  return (await copyText(text)) ? `Copied the ${name}.` : "The browser blocked copying; allow this page to use the clipboard."
}

// Over plain HTTP from another machine, a page has no clipboard, but can copy its selection.
function copySelection(text) {
  const focused = document.activeElement
  const field = h("textarea", { class: "visually-hidden", readonly: true }, text)
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand("copy")
  field.remove()
  focused?.focus({ preventScroll: true })
  return isCopied
}

/** A paragraph with the message of an error, which screen readers announce. */
export function errorNote(error) {
  return h("p", { class: "error", role: "alert" }, error.message)
}

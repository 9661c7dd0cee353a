// Keyboard shortcuts of a view.

const TYPES = "input:not([type=checkbox]):not([type=radio]), select, textarea, [contenteditable]"

/** Run the function of a pressed key, {key: function}, unless a dialog is open or the user types. "Escape" works in a field, too. */
export function listenToKeys(actions, signal) {
  document.addEventListener("keydown", (event) => {
    const act = Object.hasOwn(actions, event.key) ? actions[event.key] : null
    if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return
    if (event.key !== "Escape" && event.target.closest?.(TYPES)) return
    if (act() !== false) event.preventDefault()
  }, { signal })
}

// Keyboard shortcuts of the feed: j and k move to the next and previous row, x selects it. Enter follows its link.

/** Listen for the shortcuts: listenToKeys({step(by), choose()}). Returns a function that stops listening. */
export function listenToKeys({ step, choose }) {
  const act = { j: () => step(1), k: () => step(-1), x: choose }
  const onKey = (event) => {
    const isTyping = event.target.closest?.("input:not([type=checkbox]), select, textarea, [contenteditable]")
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !(event.key in act)) return
    event.preventDefault()
    act[event.key]()
  }
  document.addEventListener("keydown", onKey)
  return () => document.removeEventListener("keydown", onKey)
}

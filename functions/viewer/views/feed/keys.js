// The feed's keys: j and k for the next row and the one before, x to choose it. Enter is the link's own.

/** Listen until the answer is called: listenToKeys({step(by), choose()}). */
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

// Wait until the server answers again after an outage.

const PROBE_MS = 3000
const PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 4000

/** Wait for a time, or until `signal` is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener("abort", () => {
      clearTimeout(timer)
      resolve()
    }, { once: true })
  })
}

/** Return the pause before another attempt, in ms, after this number of failures in a row. It is 4 s at most. */
export function pauseAfter(failures) {
  return Math.min(PAUSE_MS / 2 * 2 ** failures, LONGEST_PAUSE_MS)
}

/**
 * Wait until the server and its database answer, or until `signal` is aborted.
 *
 * A probe is abandoned after 3 s, because a connection to an unreachable host may hang for minutes. So this resolves at
 * most 4 s after the server is back.
 */
export async function waitForServer(signal) {
  while (!signal.aborted) {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)])
      const answer = await fetch("/health", { signal: limit, cache: "no-store", credentials: "omit" })
      if (answer.ok) return
    } catch {
      // still unreachable
    }
    await pause(PAUSE_MS, signal)
  }
}

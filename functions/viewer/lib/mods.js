// Names of mods.

/** Return the name of a mod without the wrapper that the engine adds to it. */
export function nameMod(name) {
  return (name ?? "").replace(/^wrapped_client_mod_(?=.)/, "")
}

/** Describe the cause of a forced token: "forced by ban_the". */
export function describeForced({ forcedBy }) {
  return `forced by ${nameMod(forcedBy) || "a mod"}`
}

/** Return the name of the mod that a handler (`<mod>:<event type>`) belongs to, and of the event: ["ban_the", "Sampled"]. */
export function splitHandler(blockKey) {
  const end = blockKey.lastIndexOf(":")
  return [nameMod(blockKey.slice(0, end < 0 ? undefined : end)), end < 0 ? "" : blockKey.slice(end + 1)]
}

// The key of whoever is signed in: in this tab's session storage only, gone when the tab is closed.

const NAME = "thunder-key"

export function getKey() {
  return sessionStorage.getItem(NAME)
}

export function setKey(key) {
  sessionStorage.setItem(NAME, key)
}

export function forgetKey() {
  sessionStorage.removeItem(NAME)
}

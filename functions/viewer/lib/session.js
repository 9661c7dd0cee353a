// The key of the signed-in user. It is kept in the tab's session storage only, so closing the tab deletes it.

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

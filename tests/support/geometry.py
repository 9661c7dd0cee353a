"""Places of elements in the window of a browser."""

from collections.abc import Iterator

from playwright.sync_api import FloatRect, Locator, Page

SIZES = ((400, 800), (1280, 900), (1920, 1080))
"""Windows that each view is tested in, in CSS pixels."""
IS_SHOWN = """element => {
    // Each scrolled ancestor clips, and the window clips last.
    const inside = (box, frame) => box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1
    const box = element.getBoundingClientRect()
    for (let one = element.parentElement; one; one = one.parentElement) {
        const clips = ["auto", "scroll"].includes(getComputedStyle(one).overflowY)
        if (clips && !inside(box, one.getBoundingClientRect())) return false
    }
    if (box.height === 0 || !inside(box, { top: 0, bottom: innerHeight })) return false
    // Nothing covers it.
    const [line] = element.getClientRects()
    return element.contains(document.elementFromPoint((line.left + line.right) / 2, (line.top + line.bottom) / 2))
}"""
LINES = """([selector, word]) => {
    // The number of lines that a word is on.
    const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.data.indexOf(word)
        if (at < 0) continue
        const range = new Range()
        range.setStart(node, at)
        range.setEnd(node, at + word.length)
        return new Set([...range.getClientRects()].map((box) => box.top)).size
    }
    return 0
}"""
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def resized(page: Page) -> Iterator[int]:
    """Give the window each size, and return its width."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        yield width


def find_box(element: Locator) -> FloatRect:
    """Return the place of an element that is drawn."""
    box = element.bounding_box()
    assert box is not None
    return box


def wait_until_shown(page: Page, element: Locator) -> None:
    """Wait until an element is inside the window and each part of the page that scrolls, and nothing covers it."""
    page.wait_for_function(IS_SHOWN, arg=element.element_handle())


def wait_until_it_fits(page: Page) -> None:
    """Wait until the page is not wider than the window. Charts follow the size of the window a frame later."""
    page.wait_for_function(FITS)


def count_lines(page: Page, selector: str, word: str) -> int:
    """Return the number of lines that the first occurrence of a word in an element is on; 0 if it does not occur."""
    return page.evaluate(LINES, [selector, word])

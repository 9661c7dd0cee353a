"""Reading a trace: pinning, previews, the address, search, keys, the window, and the chart that follows the text."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser import follow
from tests.support.client import Client
from tests.support.geometry import find_box, resized, wait_until_it_fits, wait_until_shown
from tests.support.trace_page import make_words, open_trace, options, pin


def test_whatever_selects_a_token_shows_it(client: Client, page: Page) -> None:
    open_trace(client, page, "long-story")
    selected = page.locator(".tokens .is-pinned")
    for width in resized(page):
        wait_until_it_fits(page)
        if width >= 1280:  # the first lines of the text are visible before anything is clicked
            wait_until_shown(page, options(page).nth(40))
    for _ in resized(page):
        primary = page.get_by_role("button", name="Go to the least confident window")
        for _ in range(2):  # the second time, the token is already selected
            primary.click()
            expect(selected).to_have_class(re.compile("starts-lowest"))
            wait_until_shown(page, selected)
        for chip in page.locator(".least-likely button").all():
            name = chip.get_attribute("aria-label") or ""
            chip.click()
            expect(selected).to_have_id(f"token-{int(name.split()[1].rstrip(',')) - 1}")
            wait_until_shown(page, selected)
        over = page.locator(".trace-course .u-over")
        over.scroll_into_view_if_needed()
        over.click(position={"x": 5, "y": 60})
        wait_until_shown(page, selected)
        page.keyboard.press("End")
        expect(selected).to_have_id("token-321")
        wait_until_shown(page, selected)


def test_links_lead_to_a_token(client: Client, page: Page) -> None:
    selected = page.locator(".tokens .is-pinned")
    for _ in resized(page):
        open_trace(client, page, "long-story", "?token=300&mode=entropy&window=64")
        expect(selected).to_have_id("token-299")
        wait_until_shown(page, selected)
        expect(page.get_by_label("Entropy")).to_be_checked()
        expect(page.get_by_label("Window", exact=True)).to_have_value("64")
        open_trace(client, page, "backtrack")
        page.get_by_role("tabpanel").get_by_role("button", name="token 23").click()
        expect(selected).to_have_id("token-22")
        wait_until_shown(page, selected)
        open_trace(client, page, "mod-exception")
        page.locator(".summary").get_by_role("button", name="token 4").click()
        expect(selected).to_have_id("token-3")
        wait_until_shown(page, selected)


def test_a_click_pins_and_the_pointer_only_previews(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    panel = page.get_by_label("Selected token")
    pin(page, 20)
    expect(page).to_have_url(re.compile(r"\?token=20$"))
    expect(panel).to_contain_text("Pinned")
    options(page).nth(30).hover()
    expect(panel).to_contain_text("Token 31 of 60")
    expect(page).to_have_url(re.compile(r"\?token=20$"))
    page.get_by_role("heading", level=1).hover()
    expect(panel).to_contain_text("Token 20 of 60")
    page.keyboard.press("Escape")
    expect(page.locator(".tokens .is-pinned")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"force-prefix$"))
    options(page).nth(30).hover()
    page.get_by_role("heading", level=1).hover()
    expect(panel).to_contain_text("Token 31 of 60")


def test_an_invalid_address_is_ignored(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    for query in ("token=0", "token=61", "token=x", "token=1e9", "window=7", "mode=__proto__", "mode=x"):
        follow(page, f"/view/smollm2-force-prefix?{query}")
        expect(options(page)).to_have_count(60)
        expect(page.locator(".tokens .is-pinned")).to_have_count(0)
        expect(page.get_by_label("Surprisal")).to_be_checked()
        expect(page.get_by_label("Window", exact=True)).to_have_value("32")


def test_the_text_is_searched(client: Client, page: Page) -> None:
    open_trace(client, page, "long-story")
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Find in the text")
    expect(field).to_be_focused()
    field.press_sequentially("THE SEA")
    matches = page.locator(".tokens .is-match")
    expect(page.locator(".find")).to_contain_text(re.compile(r"1 of \d+"))
    found = int(page.locator(".find").inner_text().split(" of ")[1].split()[0])
    assert "".join(matches.all_inner_texts()).lower().count("the sea") == found > 1
    first = page.locator(".tokens .is-pinned").get_attribute("id")
    field.press("Enter")
    expect(page.locator(".tokens .is-pinned")).not_to_have_id(first or "")
    wait_until_shown(page, page.locator(".tokens .is-pinned"))
    field.press("Shift+Enter")
    expect(page.locator(".tokens .is-pinned")).to_have_id(first or "")
    field.fill("no such text")
    expect(page.locator(".find")).to_contain_text("Not found")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(page.get_by_role("listbox")).to_be_focused()
    expect(matches).to_have_count(0)


def test_the_window_can_be_selected(client: Client, page: Page) -> None:
    open_trace(client, page, "long-story")
    for size in (8, 128):
        page.get_by_label("Window", exact=True).select_option(str(size))
        expect(page.locator(".tokens .in-lowest")).to_have_count(size)
        expect(page.locator(".trace-course .key")).to_contain_text(f"mean of {size} sampled tokens")
        report = client.get(f"/v1/confidence/smollm2-long-story?window={size}").json
        lowest = report["sequence"]["lowest_group_confidence"]
        expect(page.locator(".figures")).to_contain_text(f"{lowest:.2f} nats")
        expect(page).to_have_url(re.compile(f"window={size}"))
    page.reload()
    expect(page.get_by_label("Window", exact=True)).to_have_value("128")


def test_a_short_answer_has_a_least_confident_quarter_or_token(client: Client, page: Page) -> None:
    open_trace(client, page, "noisy-logger")
    expect(page.get_by_role("heading", name="Least confident quarter")).to_be_visible()
    expect(page.locator(".tokens .in-lowest")).to_have_count(6)
    page.get_by_role("button", name="Go to the least confident quarter").click()
    expect(page.locator(".tokens .is-pinned")).to_have_class(re.compile("starts-lowest"))
    open_trace(client, page, make_words("short", 5, 6, 5))
    expect(page.get_by_role("heading", name="Least likely token", exact=True)).to_be_visible()
    page.get_by_role("button", name="Go to the least likely token").click()
    expect(page.locator(".tokens .is-pinned")).to_have_id("token-1")


def read_zoom(page: Page) -> list[str]:
    """Return the numbers of the first and the last token of the zoomed range, from the label of the button."""
    return re.findall(r"\d+", page.locator(".course-foot .range").inner_text())


def test_the_chart_zooms_by_drag_and_scrolls_with_the_text(client: Client, page: Page) -> None:
    open_trace(client, page, "long-story")
    over = page.locator(".trace-course .u-over")
    over.scroll_into_view_if_needed()
    box = find_box(over)
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 45, steps=4)
    page.mouse.up()
    reset = page.get_by_role("button", name="Show the whole text")
    expect(reset).to_be_visible()
    first, last = map(int, read_zoom(page))
    assert 215 <= first <= 235
    assert 280 <= last <= 300
    # A drag does not pin, and the text shows the first token of the range.
    expect(page.locator(".tokens .is-pinned")).to_have_count(0)
    page.wait_for_function(
        """index => {
            const [token, text] = [document.getElementById(`token-${index}`), document.querySelector(".tokens")]
            const [inner, outer] = [token.getBoundingClientRect(), text.getBoundingClientRect()]
            return inner.top >= outer.top - 2 && inner.bottom <= outer.bottom + 2
        }""",
        arg=first - 1,
    )
    page.locator(".tokens").evaluate("text => (text.scrollTop = 0)")
    expect(page.locator(".course-foot .range")).to_contain_text(re.compile(r"^Tokens \d\d? to"))
    reset.click()
    expect(reset).to_be_hidden()


def test_comments_link_to_tokens(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    pin(page, 12)
    page.get_by_label("Selected token").get_by_role("button", name="Comment").click()
    field = page.get_by_role("textbox", name="Comment")
    expect(field).to_be_focused()
    expect(field).to_have_value("#12 ")
    field.fill("#12 is odd, #99 is not a token, a#5 and &#6 are text")
    page.get_by_role("button", name="Add comment").click()
    words = page.locator(".comment .words")
    expect(words).to_have_text("#12 is odd, #99 is not a token, a#5 and &#6 are text")
    expect(words.get_by_role("link")).to_have_count(1)
    pin(page, 40)
    words.get_by_role("link", name="#12").click()
    expect(page.locator(".tokens .is-pinned")).to_have_id("token-11")
    wait_until_shown(page, page.locator(".tokens .is-pinned"))
    expect(page).to_have_url(re.compile(r"token=12"))


def test_hatching_means_that_there_is_no_list(client: Client, page: Page) -> None:
    open_trace(client, page, "backtrack", "?mode=group")
    listed = {step["step_index"]: step for step in client.log("smollm2-backtrack")["steps"]}
    hatched = page.locator(".tokens .scale-unknown")
    expect(hatched).to_have_count(14)
    assert all(
        listed[int(index)]["forced"] for index in hatched.evaluate_all("all => all.map(one => one.dataset.index)")
    )
    legend = page.locator(".reading .legend")
    expect(legend).to_contain_text("range of this answer, windows of 32 tokens")
    expect(legend).to_contain_text("no group confidence here")
    # The least and the most confident window have the two ends of the scale.
    expect(page.locator(".tokens .scale-0").first).to_be_attached()
    expect(page.locator(".tokens .scale-20").first).to_be_attached()


def test_only_an_open_end_of_a_legend_has_a_plus(client: Client, page: Page) -> None:
    open_trace(client, page, "force-prefix")
    for name, last in (("Entropy", "4+"), ("Margin", "0"), ("Surprisal", "5+")):
        page.get_by_label(name, exact=True).check()
        expect(page.locator(".reading .legend .swatches .swatch").last).to_have_text(last)

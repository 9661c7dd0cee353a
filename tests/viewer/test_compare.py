"""The comparison: the first difference, both texts and the summary."""

import random
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import assert_accessible
from tests.support.browser import sign_in
from tests.support.client import Client
from tests.support.documents import Document, action, added, call, forward, load_trace, make_document, number, sampled
from tests.support.geometry import resized, wait_until_it_fits
from tests.support.hostile import NOTHING_RAN, make_hostile

HELLO = [{"token": 1, "logprob": -0.1, "token_str": "Hello"}]
ALIGN = """async (pairs) => {
    const { align } = await import("/viewer/views/compare/align.js")
    return pairs.map(([a, b, limit]) => align(a, b, limit))
}"""


def make_text(request_id: str, *tokens: tuple[int, str], model: str | None = "m", **request: object) -> Document:
    """Make a trace of sampled tokens with the list of tests.support.documents.TOP."""
    events = [event for token, text in tokens for event in (forward(), sampled(token, text), added(token))]
    return make_document(request_id, number(events), request={"model": model, "user_prompt": "Count.", **request})


def open_two(client: Client, page: Page, a: Document, b: Document) -> None:
    for document in (a, b):
        assert client.ingest(document).status == 201
    ids = [quote(one["request"]["request_id"], safe="") for one in (a, b)]
    sign_in(page, client.key, f"/compare?a={ids[0]}&b={ids[1]}")
    expect(page.get_by_role("heading", name="Summary")).to_be_visible()


def read_places(page: Page) -> list[list[str]]:
    """Read the table of the first difference: one row per token, with its cells for A and B."""
    rows = page.locator(".matrix tbody tr").all()
    return [[cell.inner_text().replace("\n", ", ") for cell in row.locator("td").all()] for row in rows]


def test_the_first_difference_shows_rank_and_probability_of_both_tokens_in_both_lists(
    client: Client, page: Page
) -> None:
    open_two(client, page, make_text("a", (5, "five"), (5, "five")), make_text("b", (5, "five"), (7, "seven")))
    expect(page.get_by_role("heading", name="First difference: token 2")).to_be_visible()
    # 1 - exp(-0.5) - exp(-1.5) is less than exp(-1.5), the last of the list.
    unlisted = "not in top 2, ≤ 17.1 %"
    assert read_places(page) == [["rank 1, 60.7 %", "rank 1, 60.7 %"], [unlisted, unlisted]]
    expect(page.get_by_text("The prompts are the same too, so sampling caused the difference.")).to_be_visible()


def test_recorded_traces_differ_as_their_lists_say(client: Client, page: Page) -> None:
    a, b = load_trace("force-prefix"), load_trace("step-always-zero")
    open_two(client, page, a, b)
    expect(page.get_by_role("heading", name="First difference: token 10")).to_be_visible()
    assert read_places(page) == [["rank 1, 86.8 %", "rank 1, 54.5 %"], ["rank 8, 0.21 %", "rank 3, 13.5 %"]]
    expect(page.locator(".runs .is-forced")).to_have_count(18)
    expect(page.get_by_text("The prompts differ, so the model had different input.")).to_be_visible()


def test_a_mod_that_forced_the_difference_is_named(client: Client, page: Page) -> None:
    forced = make_document(
        "b",
        number([forward(), sampled(5, "five"), added(8, 9, forced=True)]),
        request={"model": "m", "user_prompt": "Count."},
        mod_calls=[call(1, mod="pusher")],
        actions=[action("ForceTokens", tokens_as_text=["eight", "nine"])],
    )
    open_two(client, page, make_text("a", (5, "five")), forced)
    expect(page.locator(".matrix")).to_contain_text("⚑ forced by pusher")
    expect(page.get_by_text("a mod intervened here")).to_be_visible()
    assert read_places(page)[1] == ["not in top 2, ≤ 17.1 %"] * 2


def test_no_probability_is_shown_inside_a_forced_run(client: Client, page: Page) -> None:
    runs = {name: [forward(), sampled(5, "five"), added(8, last, forced=True)] for name, last in (("a", 9), ("b", 10))}
    a, b = (make_document(name, number(events), request={"model": "m"}) for name, events in runs.items())
    open_two(client, page, a, b)
    expect(page.get_by_role("heading", name="First difference: token 2")).to_be_visible()
    assert read_places(page) == [["unknown: no top-k list (inside a forced run)"] * 2] * 2


def test_discarded_tokens_are_not_compared(client: Client, page: Page) -> None:
    events = [forward(), sampled(6, "six"), added(6), forward(), sampled(5, "five"), added(5)]
    went_back = make_document(
        "b",
        number(events),
        request={"model": "m", "user_prompt": "Count."},
        mod_calls=[call(4)],
        actions=[action("Backtrack", backtrack_steps=1)],
    )
    open_two(client, page, make_text("a", (5, "five")), went_back)
    expect(page.get_by_role("heading", name="No difference")).to_be_visible()
    expect(page.get_by_role("row", name="Discarded tokens")).to_contain_text("+1")


def test_equal_texts_have_no_difference(client: Client, page: Page) -> None:
    open_two(client, page, make_text("a", (5, "five"), (6, "six")), make_text("b", (5, "five"), (6, "six")))
    expect(page.get_by_role("heading", name="No difference")).to_be_visible()
    expect(page.get_by_text("Both have the same 2 tokens.")).to_be_visible()
    expect(page.get_by_role("button", name="Go to the first difference")).to_have_count(0)


def test_a_longer_text_differs_where_the_other_ends(client: Client, page: Page) -> None:
    open_two(client, page, make_text("a", (5, "five")), make_text("b", (5, "five"), (6, "six")))
    expect(page.get_by_text("Then A ends and B continues.")).to_be_visible()
    assert read_places(page) == [["the text ended before this token", "rank 2, 22.3 %"]]


def test_models_with_different_token_ids_are_compared_by_text(client: Client, page: Page) -> None:
    other = make_text("b", (70, "five"), (71, "seven"), model="n")
    open_two(client, page, make_text("a", (5, "five"), (6, "six")), other)
    expect(page.get_by_role("heading", name="First difference: token 2")).to_be_visible()
    expect(page.get_by_text("Tokens are compared by text")).to_be_visible()


def test_tokens_without_text_are_never_equal(client: Client, page: Page) -> None:
    a, b = (
        make_document(name, number([forward(HELLO), added(80), forward(HELLO), added(81)]), request={"model": name})
        for name in ("a", "b")
    )
    open_two(client, page, a, b)
    expect(page.get_by_role("heading", name="First difference: token 1")).to_be_visible()


def test_the_summary_shows_common_and_different_parts(client: Client, page: Page) -> None:
    a = make_text("a", (5, "five"), temperature=0.2)
    b = make_text("b", (6, "six"), temperature=0.7, user_prompt="Count on.")
    open_two(client, page, a, b)
    expect(page.get_by_role("row", name="Model m m same")).to_be_visible()
    expect(page.get_by_role("row", name="Temperature 0.2 0.7 differs")).to_be_visible()
    expect(page.get_by_role("row", name="User prompt Count. Count on. differs")).to_be_visible()
    # Of e^-0.5 and e^-1.5.
    expect(page.get_by_role("row", name="Confidence 60.7 % 22.3 % \N{MINUS SIGN}38.3 points")).to_be_visible()


def test_a_missing_request_is_named_with_its_side(client: Client, page: Page) -> None:
    client.ingest(make_text("a", (5, "five")))
    sign_in(page, client.key, "/compare?a=a&b=nobody")
    expect(page.get_by_role("alert")).to_have_text("B: request_id: there is no request 'nobody'; check the id")


def test_comparing_a_request_with_itself_is_rejected(client: Client, page: Page) -> None:
    assert client.ingest(make_text("a", (5, "five"))).status == 201
    sign_in(page, client.key, "/compare?a=a&b=a")
    expect(page.get_by_text("A and B are the same request.")).to_be_visible()


def test_two_requests_can_be_selected_and_swapped(client: Client, page: Page) -> None:
    for name in ("a", "b"):
        client.ingest(make_text(name, (5 if name == "a" else 6, "x")))
    sign_in(page, client.key, "/compare")
    expect(page.get_by_role("heading", name="Choose two to four requests")).to_be_visible()
    expect(page.locator("datalist option")).to_have_count(2)
    page.get_by_label("A Request").fill("a")
    page.get_by_label("B Request").fill("b")
    page.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(f"{client.url}/compare?a=a&b=b")
    expect(page.locator(".matrix tbody tr").first).to_contain_text("rank 1")
    page.get_by_role("button", name="Swap").click()
    expect(page).to_have_url(f"{client.url}/compare?a=b&b=a")
    expect(page.locator(".matrix tbody tr").first).to_contain_text("rank 2")


def test_a_key_jumps_to_the_first_difference(client: Client, page: Page) -> None:
    open_two(client, page, load_trace("force-prefix"), load_trace("step-always-zero"))
    page.get_by_role("button", name="Table").press("Enter")
    expect(page.get_by_role("table", name="Every token")).to_contain_text("Certainly")
    page.get_by_role("button", name="Go to the first difference").press("Enter")
    expect(page.locator(".token.parting")).to_have_count(2)
    expect(page.locator(".token.parting").first).to_be_in_viewport()
    expect(page.locator(".run.is-first")).to_be_focused()


def test_the_table_has_pages(client: Client, page: Page) -> None:
    a = make_document("a", number([added(*range(250))]), request={"model": "m"})
    b = make_document("b", number([added(*range(10, 250))]), request={"model": "m"})
    open_two(client, page, a, b)
    page.get_by_role("button", name="Table").click()
    rows = page.get_by_role("table", name="Every token").locator("tbody tr")
    expect(rows).to_have_count(200)
    expect(page.locator("tbody tr.differs")).to_have_count(10)
    page.get_by_role("button", name="Show 50 more of 250").click()
    expect(rows).to_have_count(250)


def test_texts_that_differ_too_much_are_shown_with_a_note(client: Client, page: Page) -> None:
    a = make_document("a", number([added(*range(1200), 9000)]), request={"model": "m"})
    b = make_document("b", number([added(*range(3000, 4200), 9000)]), request={"model": "m"})
    open_two(client, page, a, b)
    expect(page.get_by_text("The texts differ too much: alignment stopped")).to_be_visible()
    # The common end is found nevertheless.
    expect(page.get_by_text("1 token in common, of 1,201 in A and 1,201 in B.")).to_be_visible()
    expect(page.locator(".runs .token")).to_have_count(2402)


def count_common(a: list[int], b: list[int]) -> int:
    """Return the length of the longest common subsequence (dynamic programming)."""
    row = [0] * (len(b) + 1)
    for one in a:
        before = row
        row = [0]
        for index, other in enumerate(b):
            row.append(before[index] + 1 if one == other else max(before[index + 1], row[index]))
    return row[-1]


@pytest.mark.parametrize("limit", [2000, 5])
def test_alignments_cover_both_texts_and_are_optimal(page: Page, limit: int) -> None:
    draw = random.Random(20)
    pairs = [[[draw.randrange(size) for _ in range(draw.randrange(30))] for _ in "ab"] for size in (2, 3, 8) * 50]
    page.goto("/compare")
    for (a, b), found in zip(pairs, page.evaluate(ALIGN, [[*pair, limit] for pair in pairs]), strict=True):
        assert [a[slice(*run["a"])] for run in found["runs"] if run["isSame"]] == [
            b[slice(*run["b"])] for run in found["runs"] if run["isSame"]
        ]
        for name, text in (("a", a), ("b", b)):
            assert [token for run in found["runs"] for token in text[slice(*run[name])]] == text
        common = sum(run["a"][1] - run["a"][0] for run in found["runs"] if run["isSame"])
        assert found["gaveUpAt"] is not None or common == count_common(a, b)
        assert found["isEqual"] == (a == b)


def test_up_to_four_requests_are_compared_with_the_first(client: Client, page: Page) -> None:
    for name, tokens in (("a", (5, 6)), ("b", (5, 5)), ("c", (5, 6)), ("d", (6, 6, 6))):
        words = [(token, {5: "five", 6: "six"}[token]) for token in tokens]
        assert client.ingest(make_text(name, *words)).status == 201
    sign_in(page, client.key, "/compare?a=a&b=b&c=c&d=d")
    pairs = page.get_by_role("group", name="Compared pair").get_by_role("button")
    expect(pairs).to_have_text(
        [
            "A B the first difference is at token 2",
            "A C no difference",
            "A D the first difference is at token 1",
        ]
    )
    expect(page.get_by_role("row", name="Tokens 2 2 same 2 same 3 +1")).to_be_visible()
    pairs.nth(2).click()
    expect(page.get_by_role("heading", name="First difference: token 1")).to_be_visible()
    expect(page.locator(".matrix thead")).to_contain_text("In D")
    assert read_places(page) == [["rank 1, 60.7 %", "rank 1, 60.7 %"], ["rank 2, 22.3 %", "rank 2, 22.3 %"]]
    expect(page.get_by_role("button", name="Add another")).to_be_hidden()


def test_requests_with_the_same_prompt_are_suggested(client: Client, page: Page) -> None:
    for name, prompt in (("a", "Count."), ("b", "Count."), ("c", "Count."), ("x", "Sing.")):
        assert client.ingest(make_text(name, (5, "five"), user_prompt=prompt)).status == 201
    sign_in(page, client.key, "/compare?a=a")
    suggested = page.locator(".peers button")
    expect(suggested).to_have_count(2)
    page.locator(".peers").get_by_role("button", name="b 60.7 %").click()
    expect(page).to_have_url(f"{client.url}/compare?a=a&b=b")
    page.locator(".peers").get_by_role("button", name="c 60.7 %").click()
    expect(page).to_have_url(f"{client.url}/compare?a=a&b=b&c=c")
    expect(suggested).to_have_count(0)


@pytest.mark.parametrize(
    ("a", "b", "row"),
    [
        ((5, "five"), (9, "nine"), "Confidence 60.7 % ≤ 17.1 % ≤ \N{MINUS SIGN}43.6 points"),
        ((9, "nine"), (5, "five"), "Confidence ≤ 17.1 % 60.7 % ≥ +43.6 points"),
        ((9, "nine"), (8, "eight"), "Confidence ≤ 17.1 % ≤ 17.1 % both are upper bounds"),
    ],
)
def test_a_difference_from_a_bound_is_a_bound(
    client: Client, page: Page, a: tuple[int, str], b: tuple[int, str], row: str
) -> None:
    open_two(client, page, make_text("a", a), make_text("b", b, temperature=0.5))
    expect(page.get_by_role("row", name=row)).to_be_visible()
    expect(page.get_by_role("row", name="Temperature unknown 0.5 only B has it")).to_be_visible()
    expect(page.locator(".numbers .difference", has_text="unknown")).to_have_count(0)


def test_a_difference_of_the_settings_is_named(client: Client, page: Page) -> None:
    open_two(client, page, make_text("a", (5, "five"), temperature=0.2), make_text("b", (6, "six"), temperature=0.9))
    expect(page.get_by_text("The prompts are the same; the settings differ: temperature 0.2 and 0.9.")).to_be_visible()


def test_long_names_fit(client: Client, page: Page) -> None:
    names = [letter + "x" * 190 for letter in "abcd"]
    for name in names:
        assert client.ingest(make_text(name, (5, "five"), model="m" * 200)).status == 201
    sign_in(page, client.key, f"/compare?a={names[0]}&b={names[1]}&c={names[2]}")
    expect(page.get_by_role("heading", name="Summary")).to_be_visible()
    expect(page.locator(".peers button")).to_have_count(1)
    for _ in resized(page):
        wait_until_it_fits(page)


def test_a_hostile_trace_is_shown_as_text(client: Client, page: Page) -> None:
    open_two(client, page, make_hostile("a"), make_hostile("b", token=6))
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("table", name="Every token")).to_contain_text("onerror")
    assert page.evaluate(NOTHING_RAN)


def test_no_barrier_is_found(client: Client, page: Page) -> None:
    open_two(client, page, load_trace("force-prefix"), load_trace("step-always-zero"))
    assert_accessible(page)
    page.get_by_role("button", name="Table").click()
    assert_accessible(page, ".token-table")


def test_lists_without_ids_locate_a_token_by_its_text(client: Client, page: Page) -> None:
    texts = [{"logprob": -0.5, "token_str": "five"}, {"logprob": -1.5, "token_str": "six"}]
    made = [
        make_document(name, number([forward(texts), sampled(token, text), added(token)]), request={"model": "m"})
        for name, token, text in (("a", 5, "five"), ("b", 6, "six"))
    ]
    open_two(client, page, *made)
    assert [places[i] for i, places in enumerate(read_places(page))] == ["rank 1, 60.7 %", "rank 2, 22.3 %"]

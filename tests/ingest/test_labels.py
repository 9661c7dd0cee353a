"""Labels of users' keys are removed from texts for readers who do not own them."""

from hypothesis import given
from hypothesis import strategies as st

from core.access.hasher import LABEL_CHARACTERS, Hasher, strip_cut_labels, strip_labels

HASHER = Hasher(b"secret")
KEYS = st.text(st.sampled_from("KLMNO…#PQ"), min_size=3, max_size=30)
PARTS = st.one_of(KEYS.map(HASHER.label_user_key), st.text(st.sampled_from(". …#é😀0af"), max_size=30))


@given(parts=st.lists(PARTS, max_size=8), data=st.data())
def test_a_truncated_text_shows_no_part_of_a_label(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    limit = data.draw(st.integers(1, len(text) + 1))
    assert not set(strip_cut_labels(text[:limit], limit)) & set("KLMNOPQ")


@given(text=st.text(), limit=st.integers(1, 100))
def test_a_text_that_was_not_truncated_is_shown_completely(text: str, limit: int) -> None:
    text = text[: limit - 1]
    assert strip_cut_labels(text, limit) == strip_labels(text)


@given(key=st.text(min_size=1))
def test_no_label_is_longer_than_the_dropped_end_of_a_text(key: str) -> None:
    assert len(HASHER.label_user_key(key)) <= LABEL_CHARACTERS

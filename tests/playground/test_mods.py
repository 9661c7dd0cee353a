"""Generated mods, run as the engine runs them: each position, and tokenizers that split texts badly."""

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.access.hasher import Hasher
from core.playground.mod_source import ModConfig, Position, write_mod
from tests.support.mod_sdk import EOT, Request, Tokenizer, load

HASHER = Hasher(b"a secret")
HARD = "a\r\n\t\"'\\\\n {x} %s 😀é\u2028'''\"\"\""
"""Text that a careless literal would change."""


def make(position: str, **fields: Any) -> dict[str, Any]:
    return load(write_mod(ModConfig(position=Position(position), **fields), HASHER))


def bytes_of(text: str) -> list[bytes]:
    return [bytes([one]) for one in text.encode()]


def start(module: dict[str, Any], pieces: list[Any], tokenizer: Tokenizer | None = None, name: str = "r") -> Request:
    """Start a request whose model samples these pieces; those in a tuple are forced by another mod."""
    tokenizer = tokenizer or Tokenizer()

    def number(piece: Any) -> Any:
        if isinstance(piece, (tuple, list)):
            return type(piece)(number(one)[0] for one in piece)
        return [tokenizer.add(piece if isinstance(piece, bytes) else piece.encode())]

    return Request(module, tokenizer, [number(piece) for piece in pieces], name)


def run(position: str, pieces: list[Any], **fields: Any) -> str:
    return start(make(position, **{"injection_string": "[I]", **fields}), pieces).run()


@pytest.mark.parametrize("position", Position)
def test_injected_and_replaced_text_comes_out_exactly(position: Position) -> None:
    fields = {"token_count": 1, "sentence_count": 1, "detect_phrases": ["no"], "replacement_phrases": [HARD]}
    text = run(position, ["<think>", "a.", "no", "</think>", "b.", "no", EOT], injection_string=HARD, **fields)
    assert HARD in text


@pytest.mark.parametrize(
    ("position", "fields", "expected"),
    [
        ("start", {}, "[I]Hi.<think>A! B?</think>C.D<|im_end|>"),
        ("after_tokens", {"token_count": 1}, "Hi.[I]<think>A! B?</think>C.D<|im_end|>"),
        ("after_tokens", {"token_count": 3}, "Hi.<think>A![I] B?</think>C.D<|im_end|>"),
        ("after_tokens", {"token_count": 99}, "Hi.<think>A! B?</think>C.D<|im_end|>"),
        ("after_sentences", {"sentence_count": 1}, "Hi.[I]<think>A! B?</think>C.D<|im_end|>"),
        ("after_sentences", {"sentence_count": 3}, "Hi.<think>A! B?[I]</think>C.D<|im_end|>"),
        ("eot_backtrack", {}, "Hi.<think>A! B?</think>C.D[I]<|im_end|>"),
        ("reasoning_start", {}, "Hi.<think>[I]A! B?</think>C.D<|im_end|>"),
        ("reasoning_mid", {"token_count": 1}, "Hi.<think>[I]A! B?</think>C.D<|im_end|>"),
        ("reasoning_mid", {"token_count": 3}, "Hi.<think>A! B?[I]</think>C.D<|im_end|>"),
        ("reasoning_mid", {"token_count": 4}, "Hi.<think>A! B?</think>C.D<|im_end|>"),
        ("reasoning_end", {}, "Hi.<think>A! B?[I]</think>C.D<|im_end|>"),
        ("response_start", {}, "Hi.<think>A! B?</think>[I]C.D<|im_end|>"),
        ("response_mid", {"token_count": 1}, "Hi.<think>A! B?</think>[I]C.D<|im_end|>"),
        ("response_mid", {"token_count": 2}, "Hi.<think>A! B?</think>C.[I]D<|im_end|>"),
        ("response_end", {}, "Hi.<think>A! B?</think>C.D[I]<|im_end|>"),
    ],
)
def test_each_position_injects_once(position: str, fields: dict[str, int], expected: str) -> None:
    again = {"eot_backtrack": [EOT], "response_end": [EOT], "reasoning_end": []}
    pieces = ["Hi.", "<think>", "A!", " B?", "</think>", "C.", "D", EOT, *again.get(position, [])]
    if position == "reasoning_end":  # the model closes the tag again
        pieces.insert(5, "</think>")
    assert run(position, pieces, **fields) == expected


@pytest.mark.parametrize("marker", ["<|eot_id|>", "<|end|>", "</s>", "<|im_end|>", "<|endoftext|>"])
def test_each_marker_ends_a_turn(marker: str) -> None:
    assert run("eot_backtrack", ["a", marker, "b", marker, "c"]) == f"a[I]b{marker}"


def test_tokens_of_the_same_addition_before_the_marker_stay() -> None:
    assert run("eot_backtrack", [["a", "b", EOT], "c", EOT]) == f"ab[I]c{EOT}"


def test_the_response_ends_only_after_the_reasoning() -> None:
    assert run("response_end", ["<think>", "a", EOT]) == f"<think>a{EOT}"
    assert run("response_end", ["</", "thi", "nk>", "a", EOT, EOT]) == f"</think>a[I]{EOT}"


def test_a_forced_end_is_left_alone() -> None:
    assert run("eot_backtrack", ["a", (EOT,)]) == f"a{EOT}"


@pytest.mark.parametrize("position", ["reasoning_start", "reasoning_end", "response_start", "response_end"])
def test_nothing_is_injected_without_the_tag(position: str) -> None:
    assert run(position, ["think", "> a <", EOT]) == f"think> a <{EOT}"


def test_forced_tokens_do_not_count() -> None:
    assert run("after_tokens", [("x", "y", "z"), "a", "b", "c"], token_count=2) == "xyzab[I]c"
    assert run("after_sentences", [("x.",), "a.", "b", "c"], sentence_count=1) == "x.a.[I]bc"
    assert run("phrase_replace", ["a", ("x",), "b", "ab"], detect_phrases=["ab"], replacement_phrases=["R"]) == "axbR"


def test_reasoning_in_one_token_is_closed() -> None:
    assert run("reasoning_mid", ["<think></think>", "a"], token_count=1) == "<think></think>a"


def test_a_token_that_also_ends_a_character_counts_once() -> None:
    pieces = [b"\xf0\x9f\x98", b"\x80<think>", "a", "b"]
    assert run("reasoning_mid", pieces, token_count=2) == "😀<think>a[I]b"


def test_the_injection_is_forced_on_a_forward_pass() -> None:
    request = start(make("reasoning_start", injection_string="[I]"), ["<think>", "a"])
    request.run()
    assert [(kind, action.kind) for kind, action in request.actions] == [("ForwardPass", "force")]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["the", " SCP", "-", "1"], "the X-1"),
        (["the", " S", "C", "P-1"], "the X-1"),
        (["xSC", "Py", "SCPSCP"], "xXyXX"),
        (["SC", "SC", "P"], "SCX"),
        ([b"\xc3", b"\xa9SCP", b"\xc3", b"\xa9"], "éXé"),
        ([b"SCP\xf0", b"\x9f", b"\x98", b"\x80", "SCP"], "X😀X"),
        (["SCP" + EOT], f"X{EOT}"),
        (["SC", b"P\xf0", EOT], f"X\ufffd{EOT}"),
    ],
)
def test_a_phrase_may_start_and_end_inside_tokens(pieces: list[Any], expected: str) -> None:
    assert run("phrase_replace", pieces, detect_phrases=["SCP"], replacement_phrases=["X"]) == expected


@pytest.mark.parametrize(
    ("phrases", "replacements", "text", "expected"),
    [
        (["ab", "b"], ["1", "2"], "abb", "12"),
        (["", "b", ""], ["0", "2"], "abc", "a2c"),
        (["b"], [""], "abc", "abc"),
        (["b"], None, "abc", "abc"),
        (["b", "c"], ["1"], "abc", "a1c"),
        (["b"], ["bb"], "abcb", "abbcbb"),
        (["é"], ["😀"], "éé", "😀😀"),
    ],
)
@pytest.mark.parametrize("position", ["phrase_replace", "full_stream_phrase_replace"])
def test_pairs_are_tried_in_order(
    position: str, phrases: list[str], replacements: list[str] | None, text: str, expected: str
) -> None:
    fields = {"detect_phrases": phrases, "replacement_phrases": replacements, "injection_string": ""}
    for pieces in (list(text), bytes_of(text), [text]):
        assert run(position, pieces, **fields) == expected


@pytest.mark.parametrize("whole", [False, True])
def test_phrases_are_replaced_within_their_section(*, whole: bool) -> None:
    text = "no<think>no<no></think>no no<think>no</think>no"
    pieces = [text] if whole else list(text)
    fields = {"detect_phrases": ["no"], "replacement_phrases": ["X"]}
    reasoning = "no<think>X<X></think>no no<think>X</think>no"
    assert run("reasoning_phrase_replace", pieces, **fields) == reasoning
    assert run("response_phrase_replace", pieces, **fields) == "no<think>no<no></think>X X<think>no</think>X"


def test_only_the_touched_tokens_are_taken_back() -> None:
    pieces = ["one", " two", " xS", "C", "Py"]
    request = start(make("phrase_replace", detect_phrases=["SCP"], replacement_phrases=["R"]), pieces)
    request.run()
    ((kind, action),) = request.actions
    assert (kind, action.kind, action.steps) == ("Added", "backtrack", 3)
    assert request.tokenizer.decode(action.tokens) == " xRy"


ALPHABET = "abé😀 "
cuts = st.lists(st.integers(1, 5), min_size=1, max_size=8)


def cut(text: bytes, sizes: list[int]) -> list[bytes]:
    """Cut a text into tokens of these sizes in bytes, over and over."""
    pieces, at, turn = list[bytes](), 0, 0
    while at < len(text):
        pieces.append(text[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(pieces[-1]), turn + 1
    return pieces


@settings(deadline=None)
@given(
    text=st.text(ALPHABET, max_size=60),
    phrase=st.text(ALPHABET, min_size=1, max_size=4),
    replacement=st.text(ALPHABET + "\r\"'\\", max_size=5),
    read=cuts,
    written=cuts,
)
@example(text="aaaa", phrase="aa", replacement="a", read=[3], written=[1])
def test_a_phrase_is_replaced_wherever_tokens_begin(
    text: str, phrase: str, replacement: str, read: list[int], written: list[int]
) -> None:
    module = make("phrase_replace", detect_phrases=[phrase], replacement_phrases=[replacement])
    tokenizer = Tokenizer(lambda one: cut(one, written))
    request = start(module, list(cut(text.encode(), read)), tokenizer)
    assert request.run() == text.replace(phrase, replacement or phrase)


@settings(deadline=None)
@given(parts=st.lists(st.text("ab😀", max_size=6), min_size=3, max_size=3), read=cuts, written=cuts)
def test_tags_are_found_wherever_tokens_begin(parts: list[str], read: list[int], written: list[int]) -> None:
    before, reasoning, response = parts
    text = f"{before}<think>{reasoning}</think>{response}"

    def generate(position: str, **fields: Any) -> str:
        fields = {"injection_string": "[I😀]", **fields}
        tokenizer = Tokenizer(lambda one: cut(one, written))
        request = start(make(position, **fields), [*cut(text.encode(), read), EOT], tokenizer)
        return request.run().removesuffix(EOT)

    assert generate("reasoning_start") == f"{before}<think>[I😀]{reasoning}</think>{response}"
    assert generate("response_start") == f"{before}<think>{reasoning}</think>[I😀]{response}"
    assert generate("reasoning_end") == f"{before}<think>{reasoning}[I😀]{response}"
    pairs = {"detect_phrases": ["a", "b"], "replacement_phrases": ["b", "a"]}
    swapped = str.maketrans("ab", "ba")
    expected = f"{before}<think>{reasoning.translate(swapped)}</think>{response}"
    assert generate("reasoning_phrase_replace", **pairs) == expected
    expected = f"{before}<think>{reasoning}</think>{response.translate(swapped)}"
    assert generate("response_phrase_replace", **pairs) == expected


@settings(deadline=None)
@given(sizes=cuts, count=st.integers(1, 30))
def test_tokens_are_counted_from_the_one_that_completes_the_tag(sizes: list[int], count: int) -> None:
    text = "Hm.<think>" + "x" * 12 + "</think>" + "y" * 12
    pieces = cut(text.encode(), sizes)
    ends = {
        tag: next(n for n in range(len(pieces)) if tag.encode() in b"".join(pieces[: n + 1]))
        for tag in ("<think>", "</think>")
    }
    for position, tag, last in (
        ("reasoning_mid", "<think>", ends["</think>"]),
        ("response_mid", "</think>", len(pieces)),
    ):
        at = ends[tag] + count
        expected = list(pieces)
        if at < last or (position == "reasoning_mid" and at == last):
            expected.insert(at, b"[I]")
        assert (
            start(make(position, injection_string="[I]", token_count=count), list(pieces)).run()
            == b"".join(expected).decode()
        )


def test_requests_do_not_disturb_each_other() -> None:
    module = make("phrase_replace", detect_phrases=["SCP"], replacement_phrases=["X"])
    tokenizer = Tokenizer()
    requests = [start(module, list("a SCP b" * 5)[at:], tokenizer, f"r{at}") for at in range(20)]
    while not all(request.ended for request in requests):
        for request in requests:
            if not request.ended:
                request.run_step()
    for at, request in enumerate(requests):
        assert request.text == ("a SCP b" * 5)[at:].replace("SCP", "X")


@pytest.mark.parametrize("position", Position)
def test_a_thousand_requests_leave_bounded_state(position: Position) -> None:
    fields = {"token_count": 1, "sentence_count": 1, "detect_phrases": ["no"], "replacement_phrases": ["X"]}
    module = make(position, injection_string="[I]", **fields)
    tokenizer = Tokenizer()
    for number in range(1000):
        request = start(module, ["<think>", "no.", "</think>", "no."], tokenizer, f"r{number}")
        request.run()
        assert request.actions or "eot" in position or "end" in position
    assert len(module["states"]) == module["MOST_REQUESTS"]


def test_a_long_request_has_bounded_state() -> None:
    module = make("full_stream_phrase_replace", detect_phrases=["SCP"], replacement_phrases=["X"])
    text = "é SCP 😀" * 500
    request = start(module, list(cut(text.encode(), [1, 3, 2])))
    assert request.run() == text.replace("SCP", "X")
    state = module["states"]["r"]
    assert len(state.tokens) < 3 * module["MOST_TOKENS"]
    assert len(state.text) < 3 * module["MOST_TOKENS"]


def test_a_source_is_ascii_and_has_no_text_outside_of_literals() -> None:
    source = write_mod(ModConfig(position=Position.START, injection_string=HARD), HASHER)
    assert source.isascii()
    assert "\r" not in source
    assert re.fullmatch(r"# thunder [0-9a-f]{64}\n", source.splitlines(keepends=True)[-1])

"""Generated mods over the byte-level BPE of a real model, which is part of LiteLLM."""

import random
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Bpe
from typing_extensions import override

from core.access.hasher import Hasher
from core.playground.mod_source import ModConfig, Position, write_mod
from tests.support.mod_sdk import Request, Tokenizer, load

TEXT = (
    "<think>The SCP-173 file says: don't blink! Naïve readers 😀 blink… SCPs (SCP) are “safe”.\r\n\tSCP\n</think>"
    "  SCP-096 isn't safe; ünïcödé 日本語 and SCP, SCP. 👩‍👩‍👧 SCPSCP"
)


class Real(Tokenizer):
    """The tokenizer, with the interface of Hugging Face's transformers."""

    def __init__(self, bpe: Bpe) -> None:
        super().__init__(special=())
        self.bpe = bpe
        self.eos_token_id = -1

    @override
    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        return self.bpe.encode(text, add_special_tokens=add_special_tokens).ids

    @override
    def decode(self, tokens: list[int]) -> str:
        return self.bpe.decode(tokens, skip_special_tokens=False)


@pytest.fixture(scope="module")
def tokenizer() -> Real:
    package = find_spec("litellm")  # does not import it
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0], "litellm_core_utils", "tokenizers")
    return Real(Bpe.from_file(str(folder / "deepseek_tokenizer.json")))


def write(tokenizer: Real, text: str, choose: random.Random) -> list[int]:
    """Write a text in tokens that the model could sample: cut between any characters."""
    tokens, at = list[int](), 0
    while at < len(text):
        size = choose.choice((1, 2, 3, 8, 20))
        tokens += tokenizer.encode(text[at : at + size], add_special_tokens=False)
        at += size
    return tokens


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("position", "fields", "expected"),
    [
        ("phrase_replace", {"detect_phrases": ["SCP"], "replacement_phrases": ["é😀"]}, TEXT.replace("SCP", "é😀")),
        ("phrase_replace", {"detect_phrases": ["👩‍👩‍👧"], "replacement_phrases": ["x"]}, TEXT.replace("👩‍👩‍👧", "x")),
        ("reasoning_start", {"injection_string": "日[I]\r"}, TEXT.replace("<think>", "<think>日[I]\r")),
        ("response_start", {"injection_string": " [I]"}, TEXT.replace("</think>", "</think> [I]")),
        ("reasoning_end", {"injection_string": "[I]"}, TEXT.replace("</think>", "[I]")),
    ],
)
def test_texts_are_replaced_exactly(
    tokenizer: Real, position: str, fields: dict[str, Any], expected: str, seed: int
) -> None:
    module = load(write_mod(ModConfig(position=Position(position), **fields), Hasher(b"a secret")))
    tokens = write(tokenizer, TEXT, random.Random(seed))
    request = Request(module, tokenizer, [[token] for token in tokens])
    assert request.run() == expected
    assert not any(request.tokenizer.decode(action.tokens).count("\ufffd") for _, action in request.actions)

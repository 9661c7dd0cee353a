"""A stand-in for the engine's quote_mod_sdk, and for the loop that runs a mod, according to its contract.

A model is a list of tokens that it samples one after the other. A token that was discarded is sampled again.
"""

import inspect
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

EOT = "<|im_end|>"
SPECIAL = ("<|eot_id|>", "<|end|>", "</s>", EOT, "<|endoftext|>")


@dataclass(frozen=True)
class Event:
    request_id: str
    step: int


class Prefilled(Event): ...


class ForwardPass(Event): ...


@dataclass(frozen=True)
class Sampled(Event):
    sampled_token: int


@dataclass(frozen=True)
class Added(Event):
    added_tokens: list[int]
    forced: bool


@dataclass(frozen=True)
class Action:
    kind: str
    tokens: list[int] = field(default_factory=list[int])
    steps: int = 0


@dataclass(frozen=True)
class Actions:
    event: Event

    def noop(self) -> Action:
        return Action("noop")

    def force_tokens(self, *, tokens: list[int]) -> Action:
        self._check(tokens)
        return Action("force", tokens)

    def backtrack(self, *, steps: int, tokens: list[int]) -> Action:
        self._check(tokens)
        assert steps > 0
        return Action("backtrack", tokens, steps)

    def _check(self, tokens: list[int]) -> None:
        assert not isinstance(self.event, Prefilled), "not possible on Prefilled"
        assert tokens
        assert all(type(token) is int for token in tokens)


def mod(function: Callable[..., Any]) -> Callable[..., Any]:
    """The decorator: an exception becomes a line of the log and no action."""

    def run(event: Event, actions: Actions, tokenizer: Any) -> Any:
        try:
            return function(event, actions, tokenizer)
        except Exception:  # noqa: BLE001 - as the engine does
            function.__globals__.setdefault("exceptions", []).append(traceback.format_exc())
            return None

    vars(run).update(is_mod=True, positional=len(inspect.signature(function).parameters))
    return run


class Tokenizer:
    """Tokens are pieces of UTF-8. `encode` cuts a text as `cut` does, except for special tokens.

    Like Hugging Face's, `decode` replaces incomplete characters by U+FFFD.
    """

    def __init__(
        self, cut: Callable[[bytes], Iterable[bytes]] | None = None, special: tuple[str, ...] = SPECIAL
    ) -> None:
        self.ids = dict[bytes, int]()
        self.pieces = list[bytes]()
        self.cut = cut or (lambda text: (text[at : at + 3] for at in range(0, len(text), 3)))
        self.special = special
        self.eos_token_id = self.add(b"<|endoftext|>")

    def add(self, piece: bytes) -> int:
        if piece not in self.ids:
            self.ids[piece] = len(self.pieces)
            self.pieces.append(piece)
        return self.ids[piece]

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        assert not add_special_tokens
        return [self.add(piece) for part in self._split(text) for piece in part]

    def _split(self, text: str) -> Iterator[Iterable[bytes]]:
        found = [(text.find(one), one) for one in self.special if one in text]
        if not found:
            yield self.cut(text.encode())
            return
        at, one = min(found)
        yield self.cut(text[:at].encode())
        yield [one.encode()]
        yield from self._split(text[at + len(one) :])

    def decode(self, tokens: list[int]) -> str:
        return b"".join(self.pieces[token] for token in tokens).decode(errors="replace")


def load(source: str) -> dict[str, Any]:
    """Run a source as the engine does, and return its globals."""
    sdk = types.ModuleType("quote_mod_sdk")
    sdk.__dict__.update(mod=mod, Prefilled=Prefilled, ForwardPass=ForwardPass, Sampled=Sampled, Added=Added)
    before = sys.modules.get("quote_mod_sdk")
    sys.modules["quote_mod_sdk"] = sdk
    module = types.ModuleType("client_mod")
    try:
        exec(compile(source, "client_mod", "exec"), module.__dict__)
    finally:
        sys.modules.pop("quote_mod_sdk")
        if before is not None:
            sys.modules["quote_mod_sdk"] = before
    entry = module.__dict__["playground_mod"]
    assert entry.is_mod
    assert entry.positional == 3
    return module.__dict__


@dataclass
class Request:
    """A running request: its model's tokens, and what was generated."""

    module: dict[str, Any]
    tokenizer: Tokenizer
    script: list[list[int] | tuple[int, ...]]
    request_id: str = "r"
    output: list[int] = field(default_factory=list[int])
    actions: list[tuple[str, Action]] = field(default_factory=list[tuple[str, Action]])
    step: int = 0
    ended: bool = False

    @property
    def text(self) -> str:
        return self.tokenizer.decode(self.output)

    def call(self, kind: type[Event], *values: Any) -> Action:
        """Call the mod for an event. It must not raise."""
        event = kind(self.request_id, self.step, *values)
        action = self.module["playground_mod"](event, Actions(event), self.tokenizer)
        assert not self.module.get("exceptions"), self.module["exceptions"]
        if action is None:
            return Action("noop")
        self.actions.append((kind.__name__, action))
        return action

    def is_end(self, tokens: Iterable[int]) -> bool:
        return any(self.tokenizer.decode([token]) in self.tokenizer.special for token in tokens)

    def run_step(self) -> None:
        """Run a step. A list in the script is sampled, a tuple is forced, but not by the mod."""
        if not self.script:
            self.ended = True
            return
        following = self.script[0]
        self.call(Prefilled)
        forced = self.call(ForwardPass)
        self.call(Sampled, following[0])
        tokens = forced.tokens if forced.kind == "force" else list(self.script.pop(0))
        self.output += tokens
        after = self.call(Added, list(tokens), forced.kind == "force" or isinstance(following, tuple))
        if after.kind == "backtrack":
            assert after.steps <= len(self.output), "the prompt would be taken back"
            del self.output[-after.steps :]
            tokens = after.tokens
            self.output += tokens
        elif after.kind == "force":
            tokens = after.tokens
            self.output += tokens
        self.ended = self.is_end(tokens)
        self.step += 1

    def run(self) -> str:
        while not self.ended:
            self.run_step()
        return self.text

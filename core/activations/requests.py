"""The bodies of the activations page. The value null means the default."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from core.errors import InvalidInputError
from core.settings import Settings
from core.upstream.timeline import Layer, Token, TopK
from core.wire.json_text import to_column_text
from core.wire.models import Body

DEFAULT_MODEL = "meta-llama/Llama-3.1-8B-Instruct"
DEFAULT_SAE = "llama_scope_lxr_8x"
DEFAULTS = {"max_tokens": 128, "temperature": 0.7, "top_p": 0.9, "top_k": 1, "sae_layer": 16, "sae_top_k": 20}
MAX_PROMPT = 12_000
"""Characters."""
MAX_MODEL, MAX_SAE = 500, 200
"""Characters of names."""
MAX_NEW_TOKENS = 2048
MAX_TOKENS = 8192
"""Tokens of a sequence whose features are extracted."""
ID = r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}$"


def _check_text(text: str) -> str:
    if to_column_text(text) != text:
        raise ValueError("can't contain U+0000 or lone surrogates; remove them")
    return text


Text = Annotated[str, AfterValidator(_check_text)]
Prompt = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PROMPT), AfterValidator(_check_text)
]


class Run(Body):
    """A prompt to run.

    Attributes:
        prompt: the prompt.
        model_id: the name of the model, which is only recorded.
        max_tokens: the maximum number of tokens to generate.
        temperature: the temperature of the sampler.
        top_p: the top_p of the sampler.
        top_k: the top_k of the sampler.
        collect_activations: whether to return features.
        inline_sae: whether the HF server computes them while it generates. Features need both.
        sae_id: the autoencoder: the default, or one that the operator lists.
        sae_layer: the layer of the autoencoder.
        sae_top_k: features per token.
        sae_local_path: has no effect.
        request_id: the id of the run. By default a new one.
    """

    prompt: Prompt
    model_id: Annotated[Text, Field(max_length=MAX_MODEL)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_NEW_TOKENS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: TopK | None = None
    collect_activations: bool | None = None
    inline_sae: bool | None = None
    sae_id: Annotated[Text, Field(max_length=MAX_SAE)] | None = None
    sae_layer: Layer | None = None
    sae_top_k: TopK | None = None
    sae_local_path: str | None = None
    request_id: Annotated[str, Field(pattern=ID)] | None = None

    @property
    def sae_enabled(self) -> bool:
        """Whether features are computed."""
        return self.collect_activations is not False and self.inline_sae is not False

    def write(self, settings: Settings) -> dict[str, object]:
        """Return the body for the HF server, with every default filled in.

        Raises:
            InvalidInputError: the operator does not list the autoencoder.
        """
        return {
            **DEFAULTS,
            **self.model_dump(include=set(DEFAULTS), exclude_none=True),
            "prompt": self.prompt,
            "inline_sae": self.sae_enabled,
            "sae_id": choose_sae(self.sae_id, settings),
        }


class Extraction(Body):
    """A token sequence whose features are extracted. Nothing is stored."""

    token_ids: Annotated[list[Token], Field(min_length=1, max_length=MAX_TOKENS)]
    sae_id: Annotated[Text, Field(max_length=MAX_SAE)] | None = None
    sae_layer: Layer | None = None
    top_k: TopK | None = None

    def write(self, settings: Settings) -> dict[str, object]:
        """Return the body for the HF server, without the fields that are not given.

        Raises:
            InvalidInputError: the operator does not list the autoencoder.
        """
        sae_id = choose_sae(self.sae_id, settings) if self.sae_id else None
        asked = {"sae_id": sae_id, "sae_layer": self.sae_layer, "sae_top_k": self.top_k}
        return {"token_ids": self.token_ids, **{name: value for name, value in asked.items() if value is not None}}


def choose_sae(sae_id: str | None, settings: Settings) -> str:
    """Return an autoencoder that may be loaded.

    Raises:
        InvalidInputError: it is not the default, and the operator does not list it.
    """
    listed = {one.strip() for one in settings.playground_sae_ids.split(",")} - {""}
    if sae_id and sae_id != DEFAULT_SAE and sae_id not in listed:
        raise InvalidInputError(f"sae_id: not available; use {DEFAULT_SAE}, or add it to PLAYGROUND_SAE_IDS")
    return sae_id or DEFAULT_SAE

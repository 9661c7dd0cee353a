"""The models of the playground, and their servers."""

from enum import StrEnum

from core.settings import Settings
from core.upstream.server import Server


class Model(StrEnum):
    """A model that the playground offers."""

    LLAMA_8B = "llama-3.1-8b"
    QWEN_14B = "qwen-14b"

    @property
    def base_id(self) -> str:
        """The id of the model on its server."""
        return {
            Model.LLAMA_8B: "modularai/Llama-3.1-8B-Instruct-GGUF",
            Model.QWEN_14B: "Qwen/Qwen3-14B-GGUF",
        }[self]

    def find_server(self, settings: Settings) -> Server:
        """Return the server of the model."""
        match self:
            case Model.LLAMA_8B:
                return Server("model server", "PLAYGROUND_LLAMA_8B_URL", settings.playground_llama_8b_url)
            case Model.QWEN_14B:
                return Server("model server", "PLAYGROUND_QWEN_14B_URL", settings.playground_qwen_14b_url)

"""The upstream servers, as the settings name them."""

from dataclasses import dataclass

from core.settings import Settings
from core.upstream.errors import NotConfiguredError


@dataclass(frozen=True, slots=True)
class Server:
    """An upstream server.

    Attributes:
        name: its name in errors.
        setting: the setting with its URL.
        url: its base URL, without a slash at the end. None if the setting is not set.
    """

    name: str
    setting: str
    url: str | None

    def require_url(self) -> str:
        """Return the base URL.

        Raises:
            NotConfiguredError: the setting is not set.
        """
        if self.url is None:
            raise NotConfiguredError(f"{self.setting}: not set; set it to the URL of the {self.name}")
        return self.url


def find_sae_server(settings: Settings) -> Server:
    """Return the server that extracts and analyzes features."""
    return Server("SAE server", "PLAYGROUND_SAE_URL", settings.playground_sae_url)


def find_hf_server(settings: Settings) -> Server:
    """Return the server that runs prompts for the activations page."""
    return Server("HF server", "PLAYGROUND_ACTIVATIONS_HF_URL", settings.playground_activations_hf_url)

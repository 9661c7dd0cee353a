"""The banner of `make run`: addresses, the admin key, and two commands to try."""

import json
import shlex
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "samples" / "force-prefix.json"
LINK_TERMS = "works once, for 15 minutes"


def write_banner(  # noqa: PLR0913 - the lines
    url: str, *, admin_key: str, ingest_open: bool, database: str, keyless: bool = False, link: str | None = None
) -> str:
    """Return the banner. Its two commands can be pasted into a shell. `link` signs a browser in."""
    ingest = "open (no key needed)" if ingest_open else "needs a key, for example the admin key"
    return "\n".join(
        [
            "",
            f"Thunder serves on {url}",
            f"  viewer     {url}/ (sign in with the admin key)",
            *([f"  sign in    {link} ({LINK_TERMS})"] if link else []),
            f"  database   {database}",
            f"  admin key  {admin_key}",
            f"  ingest     {ingest}",
            *(["  playground open (PLAYGROUND_KEYLESS=true)"] if keyless else []),
            "",
            "Post a sample trace:",
            f"  {write_post(url, '' if ingest_open else admin_key)}",
            "Read its scored log:",
            f"  {write_read(url, admin_key)}",
            "",
            "Press Ctrl-C to stop.",
        ]
    )


def write_post(url: str, key: str) -> str:
    """Return the command that posts the sample trace."""
    header = ["-H", f"X-API-Key: {key}"] if key else []
    body = ["-H", "Content-Type: application/json", "--data-binary", f"@{locate_sample()}"]
    return shlex.join(["curl", "-sS", *header, *body, f"{url}/v1/ingest"])


def write_read(url: str, key: str) -> str:
    """Return the command that reads the log of the sample trace."""
    request_id = json.loads(SAMPLE.read_bytes())["request"]["request_id"]
    return shlex.join(["curl", "-sS", "-H", f"X-API-Key: {key}", f"{url}/logs/{request_id}"])


def locate_sample() -> Path:
    """Return the path of the sample, relative if the working directory is in the repository."""
    here = Path.cwd()
    return SAMPLE.relative_to(here) if SAMPLE.is_relative_to(here) else SAMPLE


def write_link(url: str, token: str) -> str:
    """Return the link that signs a browser in. Browsers don't send the fragment, so the token reaches no log."""
    return f"{url}/sign-in#{token}"


def write_url(host: str, port: int) -> str:
    """Return a URL that reaches a server bound to this host and port."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"

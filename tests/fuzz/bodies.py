"""A coverage-guided fuzzer over parse, mask and responses: `python -m tests.fuzz.bodies SECONDS DIRECTORY`.

A finding is an exception other than ThunderError, a body that takes too long or too much memory, or a broken
invariant. libFuzzer (atheris) generates the bodies or, if atheris is not installed, Hypothesis, without coverage.
"""

import json
import re
import sys
import time
from contextlib import nullcontext
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

with nullcontext() if atheris is None else atheris.instrument_imports(include=["core"]):  # pyrefly: ignore
    from core.access.hasher import Hasher
    from core.answers.spans import DEFAULT_BELOW
    from core.document.mask import mask_document
    from core.document.parse import parse_document
    from core.errors import ThunderError
    from core.reports.render import render_score, render_stored_report
    from core.traces.items import Prepared, Several, prepare_events, prepare_item
    from core.traces.log_view import render_document

from tests.support.environment import ROOT
from tests.support.keys import SECRET

MAX_BYTES = 8 * 1024
TIMEOUT_S = 10
MEMORY_MB = 1024
USER = "key-of-a-fuzzed-user"
HASHER = Hasher(SECRET.encode())
SEEDS = ("docs/samples/*.json", "tests/responses/fixtures/*.json", "tests/cases/*.json")
WORD = re.compile(r'"([A-Za-z_]{2,40})"\s*:')


def check_body(body: bytes) -> None:
    """Pass a body to all readers. Exceptions other than ThunderError are findings."""
    for read in (check_trace, check_item, check_events, check_score):
        try:
            read(body)
        except ThunderError:
            continue


def check_score(body: bytes) -> None:
    json.loads(render_score(body, DEFAULT_BELOW, None).text)


def check_trace(body: bytes) -> None:
    """Check that an accepted trace is stored masked, with all other values unchanged."""
    document = parse_document(body)
    masked = b"".join(mask_document(body, document, HASHER.label_user_key).pieces())
    key = document.request.user_api_key
    again = parse_document(masked)
    assert again.request.request_id == document.request.request_id
    assert len(again.events) == len(document.events)
    if key:
        assert again.request.user_api_key == HASHER.label_user_key(key)
        assert len(key) < len(USER) or key not in json.dumps(json.loads(masked), ensure_ascii=False)


def check_item(body: bytes) -> None:
    """Check that each answer of an accepted item can be read back in every form."""
    check_stored(prepare_item(body, HASHER))


def check_events(body: bytes) -> None:
    """Check the same for the text of a stream."""
    check_stored(prepare_events(body, HASHER))


def check_stored(prepared: Prepared) -> None:
    for one in [] if isinstance(prepared, Several) else prepared:
        frame, number, choice = (one.document[name] for name in ("document", "format", "choice"))
        render_document(frame, number, choice, True)  # noqa: FBT003 - by position
        render_document(frame, number, choice, False)  # noqa: FBT003
        json.loads(render_stored_report(frame, number, choice, {"request_id": one.request_id}, 32))


def write_corpus(directory: Path) -> list[Path]:
    """Write the recorded traces and responses as seeds, and the names in them as a dictionary."""
    bodies = [path.read_bytes() for pattern in SEEDS for path in sorted(ROOT.glob(pattern))]
    seeds = [body for body in bodies if len(body) <= MAX_BYTES]
    trace = b'{"request":{"request_id":"r","user_api_key":"%s"},"events":[' % USER.encode()
    events = b'{"event_type":"ForwardPass","top_tokens":[{"token":5,"logprob":-0.5}]},'
    events += b'{"event_type":"Sampled","sampled_token":5}'
    answer = next(body for body in seeds if b'"choices"' in body)
    seeds += [b"data: " + answer.replace(b"\n", b"") + b"\n\ndata: [DONE]\n\n", b'{"response":' + answer + b"}"]
    seeds += [trace + b"]}", trace + events + b"]}", b"[]", b'{"choices":[{"logprobs":{"content":[]}}]}']
    (directory / "seeds").mkdir()
    for number, seed in enumerate(seeds):
        (directory / "seeds" / str(number)).write_bytes(seed)
    words = {word for body in bodies for word in WORD.findall(body.decode(errors="replace"))}
    tokens = [*sorted(words), "null", "true", "NaN", "-1e400", "[{", "}]", "data: ", f"mod@{USER}"]
    tokens += ["\\\\ud800", "\\\\u0000", "\\xe2\\x80\\xa6#"]
    (directory / "dictionary").write_text("".join(f'"{token}"\n' for token in tokens), encoding="utf-8")
    return sorted((directory / "seeds").iterdir())


def fuzz_with_atheris(seconds: int, directory: Path) -> None:
    """Fuzz with libFuzzer, which ends the process: exit code 0 if it found nothing."""
    options = {
        "max_total_time": seconds,
        "max_len": MAX_BYTES,
        "timeout": TIMEOUT_S,
        "rss_limit_mb": MEMORY_MB,
        "dict": directory / "dictionary",
        "artifact_prefix": f"{directory}/",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    assert atheris is not None
    arguments = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *arguments, str(directory / "seeds")], check_body)
    atheris.Fuzz()


def fuzz_with_hypothesis(seconds: int, seeds: list[Path]) -> None:
    """Mutate the seeds randomly until the time ends."""
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - only where atheris is missing
    from hypothesis import strategies as st  # noqa: PLC0415

    bodies = st.sampled_from([seed.read_bytes() for seed in seeds])
    cuts = st.tuples(st.integers(0, MAX_BYTES), st.integers(0, 64), st.binary(max_size=16))
    deadline = time.monotonic() + seconds

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(bodies, st.lists(cuts, max_size=8))
    def mutate(body: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        for start, length, text in edits:
            body = body[:start] + text + body[start + length :]
        check_body(body)

    while time.monotonic() < deadline:
        mutate()


def main() -> None:
    """Fuzz for some seconds; findings are left in the directory."""
    seconds, directory = int(sys.argv[1]), Path(sys.argv[2])
    seeds = write_corpus(directory)
    for seed in seeds:
        check_body(seed.read_bytes())
    if atheris is None:
        fuzz_with_hypothesis(seconds, seeds)
    else:
        fuzz_with_atheris(seconds, directory)


if __name__ == "__main__":
    main()

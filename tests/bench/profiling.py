"""Profile an ingest by stage, by function, and by the server's stacks under load.

The stacks require py-spy on the PATH. If pyinstrument can be imported, it replaces cProfile. Neither is a dependency of
Thunder: `pip install --target DIR py-spy pyinstrument`, with DIR in PYTHONPATH and DIR/bin in PATH.
"""

import asyncio
import cProfile
import importlib.util
import io
import pstats
import shutil
import statistics
import subprocess
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

import click
from pydantic import SecretStr

from core.access.access import Access
from core.access.hasher import Hasher
from core.database.pool import open_pool
from core.document.mask import mask_document
from core.pairing.listed import parse_listed
from core.pairing.pair import pair_trace
from core.pairing.topk_lists import read_lists
from core.settings import Settings
from core.traces.ingest import compress_document, ingest_trace, prepare_rows
from core.traces.kept import keep_quote
from core.traces.log import render_log
from core.wire.zstandard import compress, decompress
from tests.bench.measure import MS, Timed, collect_as_served, time_call
from tests.bench.parallel import run_round
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import ROOT, SECRET, Stage, new_id
from tests.bench.wire import JSON_TYPE, encode
from tests.support.prepared import prepare_trace

SIZES = (300, 1800)
REPEATED = 9
SHOWN = 30
RECORDED_S = 8


def profile_ingest(stage: Stage) -> None:
    """Print all profiles."""
    collect_as_served()
    for tokens in SIZES:
        print_stages(stage, tokens)
    print_functions(build_trace(SIZES[-1]))
    if (program := shutil.which("py-spy")) is not None:
        record_server(stage, program)


def print_stages(stage: Stage, tokens: int) -> None:
    """Print the time of each part of an ingest, and its share."""
    body = build_trace(tokens)
    times: dict[str, list[float]] = {}
    for _ in range(REPEATED):
        for name, seconds in run_stages(body).items():
            times.setdefault(name, []).append(MS * seconds)
    times["store: the statements and the commit, columns included"] = [MS * one for one in time_storing(stage, body)]
    medians = {name: statistics.median(values) for name, values in times.items()}
    whole = sum(one for name, one in medians.items() if not name.startswith(" "))
    click.echo(f"\n{tokens} tokens, {len(body) / 1e6:.2f} MB: {whole:.0f} ms, the median of {REPEATED}")
    for name, one in medians.items():
        click.echo(f"  {name:<58} {one:7.1f} ms  {100 * one / whole:3.0f} %")


def run_stages(body: bytes) -> dict[str, float]:
    """Return the seconds of each stage of `prepare_trace`. Names that start with a space are parts of another stage."""
    hasher, taken = Hasher(SECRET.encode()), dict[str, float]()

    def note(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        results: list[Any] = []
        taken[name] = time_call(lambda: results.append(function(*arguments)))
        return results[0]

    document = note("parse and check", parse_listed, body)
    masked = note("mask users' keys", mask_document, body, document, hasher.label_user_key)
    kept = note("pair and score", keep_quote, masked.document)
    trace = kept.trace
    note("  of that, pair", pair_trace, masked.document)
    note("  of that, read the lists", read_lists, trace.pairing.events, range(len(trace.pairing.events)))
    document = note("compress the document", compress_document, masked)
    note("columns of the rows", lambda: prepare_rows(kept, document, owner=None, owner_label=None))
    frame = compress([body])
    note("  (log: decompress the document)", decompress, frame)
    log = note("  (log: render it)", lambda: list(render_log(kept)))
    note("  (log: compress it)", lambda: compress(log, far=True))
    return taken


def time_storing(stage: Stage, body: bytes) -> list[float]:
    """Return the seconds of `ingest_trace`."""

    async def store() -> list[float]:
        settings = Settings(database_url=SecretStr(stage.make_database()))
        async with open_pool(settings) as pool:
            access = Access(open_pool=pool, admin_key=None, secret=SECRET, ingest_open=True)
            taken: list[float] = []
            for _ in range(REPEATED + 1):
                prepared = prepare_trace(with_id(body, new_id()), Hasher(SECRET.encode()))
                began = asyncio.get_running_loop().time()
                await ingest_trace(access, None, prepared)
                taken.append(asyncio.get_running_loop().time() - began)
            return taken[1:]

    return asyncio.run(store())


def print_functions(body: bytes) -> None:
    """Print the functions of `prepare_trace` by their own time, without the functions they call."""
    hasher = Hasher(SECRET.encode())
    if importlib.util.find_spec("pyinstrument") is not None:
        profiler = import_module("pyinstrument").Profiler(interval=0.0005)
        with profiler:
            for _ in range(REPEATED):
                prepare_trace(body, hasher)
        click.echo(profiler.output_text(unicode=True, show_all=False))
        return
    with cProfile.Profile() as profile:
        prepare_trace(body, hasher)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(SHOWN)
    click.echo(text.getvalue())


def record_server(stage: Stage, program: str) -> None:
    """Record the server's stacks while eight clients post, into profile.svg."""
    body, output = build_trace(SIZES[-1]), ROOT / "profile.svg"
    with stage.serve() as server:

        def post() -> Generator[Timed]:
            with server.connect() as wire:
                yield lambda: wire.time(201, encode("POST", "/v1/ingest", JSON_TYPE, with_id(body, new_id())))

        command = [program, "record", "--gil", "--subprocesses", "--duration", str(RECORDED_S), "--output", str(output)]
        with subprocess.Popen([*command, "--pid", str(server.process.pid)]):
            run_round(post, clients=8, n=4)
    click.echo(f"the server's stacks, while they held the interpreter: {output}")

"""`python -m tests.bench`: run the cases, print one line per case, and write them to a file."""

import re
import sys
from pathlib import Path

import click
import psycopg

from core.local.signals import stopped_by_signals
from tests.bench.all_cases import GROUPS
from tests.bench.measure import collect_as_served
from tests.bench.profiling import profile_ingest
from tests.bench.report import HEADER, Line, describe_machine, make_line, write_document, write_json, write_row
from tests.bench.stage import ROOT, open_stage


@click.command()
@click.option("--quick", is_flag=True, help="Repeat each case only a few times: under a minute.")
@click.option("--only", default="", help="Run only cases whose name matches this regular expression.")
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "bench.json", help="JSON file to write.")
@click.option("--document", is_flag=True, help="Also replace the table in docs/PERFORMANCE.md.")
@click.option("--profile", is_flag=True, help="Profile an ingest instead of running the cases.")
def bench(*, quick: bool, only: str, output: Path, document: bool, profile: bool) -> None:
    """Measure each path and its floor on this machine."""
    if document and (quick or only):
        raise click.UsageError("--document: requires all cases; omit --quick and --only")
    # A signal stops the servers as well.
    with stopped_by_signals():
        if profile:
            with open_stage(quick=quick) as stage:
                profile_ingest(stage)
            return
        measure_all(quick=quick, only=only, output=output, document=document)


def measure_all(*, quick: bool, only: str, output: Path, document: bool) -> None:
    """Run the cases, print each result, and write all results to a file."""
    lines: list[Line] = []
    wanted = re.compile(only)
    click.echo(write_row(list(HEADER)))
    with open_stage(quick=quick) as stage:
        with psycopg.connect(stage.postgres.dsn) as conn:
            machine = describe_machine(str(conn.info.parameter_status("server_version")))
        for group in GROUPS:
            cases = [case for case in group.cases if wanted.search(case.name) and not (quick and case.is_slow)]
            if not cases:
                continue
            with group.open(stage) as scene:
                collect_as_served()
                for case in cases:
                    click.echo(f"… {case.name}", err=True)
                    lines.append(make_line(case, case.run(scene)))
                    click.echo(write_row(lines[-1].cells()))
    write_json(output, lines, machine, quick=quick)
    if document:
        write_document(ROOT / "docs" / "PERFORMANCE.md", lines, machine)
    over = [line.name for line in lines if line.verdict == "over"]
    click.echo(f"{len(lines)} cases, {len(over)} over; {output}", err=True)


if __name__ == "__main__":
    sys.exit(bench())

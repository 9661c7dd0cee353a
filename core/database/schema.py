"""`sql/schema.sql`: the schema as it is now, for people to read, written by pg_dump from the migrations."""

import re
import subprocess
import tempfile
from pathlib import Path

from core.database.embedded import TEST_SETTINGS, start_embedded
from core.database.migrations import migrate
from core.database.sql import SQL_DIR
from core.errors import ThunderError

SCHEMA_FILE = SQL_DIR / "schema.sql"
DUMP_SECONDS = 60

HEADER = """\
-- The schema as it is now: what the migrations add up to. Written by `make schema`, never by hand;
-- tests/database/test_schema.py compares the two.
"""

# All that pg_dump writes before the first object sets up a session that restores a dump.
_PREAMBLE = re.compile(r"\A.*?(?=^--\n-- Name: )", re.DOTALL | re.MULTILINE)
_NOISE = re.compile(
    r"^--\n(?:-- .*\n)+--\n"  # the title of each object, and the one at the end
    r"|^SET default_\w+ = .*;\n"  # what every database has anyway
    r"|^\\(?:un)?restrict .*\n",  # a random word, another one each time
    re.MULTILINE,
)


class SchemaDumpError(ThunderError):
    """pg_dump failed; the sentence is its own."""


def write_schema() -> str:
    """Migrate a new, empty database and return its schema."""
    with tempfile.TemporaryDirectory() as directory, start_embedded(Path(directory), settings=TEST_SETTINGS) as server:
        migrate(server.dsn)
        return dump_schema(server.dsn, bin_dir=server.bin_dir)


def dump_schema(dsn: str, *, bin_dir: Path) -> str:
    """Return the schema of a database, equal schemas as equal texts.

    Args:
        dsn: a direct connection.
        bin_dir: where pg_dump is, of the server's version or later.

    Raises:
        SchemaDumpError: pg_dump failed or took too long.
    """
    # The DSN stands on the command line, for every user of this machine to see: an embedded database's has no password.
    command = [bin_dir / "pg_dump", "--schema-only", "--no-owner", "--no-privileges", "--dbname", dsn]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DUMP_SECONDS, check=True)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise SchemaDumpError(f"pg_dump took over {DUMP_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise SchemaDumpError(f"pg_dump: {error.stderr.strip()}") from None
    return clean_dump(done.stdout)


def clean_dump(dump: str) -> str:
    """Leave the statements of a dump, a blank line between each two."""
    statements = _NOISE.sub("", _PREAMBLE.sub("", dump))
    return HEADER + "\n" + re.sub(r"\n{3,}", "\n\n", statements.strip()) + "\n"

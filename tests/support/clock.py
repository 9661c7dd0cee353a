"""A wall clock that jumps, for real processes: a library that overrides libc's clock."""

import contextlib
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

COMPILER = shutil.which("cc")
SOURCE = Path(__file__).with_name("clock.c")


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of all processes that are started with this environment."""

    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.directory / "clock.so"), "CLOCK_OFFSET_FILE": str(self.directory / "offset")}

    def jump(self, by: timedelta) -> None:
        """Set the difference from the correct time."""
        with (self.directory / "offset").open("r+b") as file:
            file.write(struct.pack("q", int(by.total_seconds())))


@contextlib.contextmanager
def build_clock() -> Generator[Clock | None]:
    """Build the library. Returns None if there is no C compiler."""
    if COMPILER is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="clock-", dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)  # Postgres may run as another user
        (directory / "offset").write_bytes(struct.pack("q", 0))
        command = [COMPILER, "-shared", "-fPIC", "-O1", "-o", directory / "clock.so", SOURCE, "-ldl"]
        subprocess.run(command, check=True, timeout=60)
        yield Clock(directory)

"""The ledger of requests and answers of all clients, one JSON object per line."""

import hashlib
import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any


class Ledger:
    """An append-only file, the checker's only source about the clients."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.counts: Counter[str] = Counter()

    def write(self, kind: str, **entry: Any) -> None:
        """Add an entry."""
        line = json.dumps({"kind": kind, "at": round(time.monotonic() - self._began, 3), **entry})
        with self._lock:
            self.counts[kind] += 1
            self._file.write(line + "\n")

    def close(self) -> None:
        self._file.close()


def digest(document: Any) -> str:
    """Hash a JSON document independently of the order of its members."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

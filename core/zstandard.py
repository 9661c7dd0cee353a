"""Zstandard as the standard library has it from Python 3.14 on, and its backport before."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1
"""Digits compress as badly at level 3 and take twice as long (docs/decisions/0003)."""

__all__ = ["compress", "decompress", "zstd"]


def compress(data: bytes) -> bytes:
    """One frame, with the size of its content in the header."""
    return zstd.compress(data, LEVEL)


def decompress(frame: bytes) -> bytes:
    """What `compress` was given."""
    return zstd.decompress(frame)

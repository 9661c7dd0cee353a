"""Zstandard as the standard library has it from Python 3.14 on, and its backport before."""

import itertools
import sys
from collections.abc import Iterable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1
"""Digits compress as badly at level 3 and take twice as long (docs/decisions/0003)."""

FAR_WINDOW_LOG = 23
"""8 MiB: how far apart two equal passages may lie. Browsers unpack no more (RFC 9659)."""

WHOLE_BYTES = 1 << FAR_WINDOW_LOG
"""What is no longer is compressed in one piece, its size in the header."""

__all__ = ["compress", "decompress", "prepend", "zstd"]

_NEAR: dict[int, int] = {zstd.CompressionParameter.compression_level: LEVEL}
_FAR: dict[int, int] = {
    **_NEAR,
    zstd.CompressionParameter.window_log: FAR_WINDOW_LOG,
    zstd.CompressionParameter.enable_long_distance_matching: 1,
}
_MAGIC = b"\x28\xb5\x2f\xfd"
_SINGLE_SEGMENT, _CHECKSUM, _DICTIONARY = 0x20, 0x04, 0x03
_BLOCK_BYTES = 128 * 1024
_LEAST_WINDOW_LOG = 17
"""Of a window that holds a block of that many bytes."""


def compress(pieces: Iterable[bytes | memoryview], *, far: bool = False) -> bytes:
    """Compress pieces into one frame.

    The size of a text longer than `WHOLE_BYTES` is not in the header: it is compressed piece by piece, without a copy.

    Args:
        pieces: of the text, in order.
        far: whether long passages occur again megabytes later, as the lists of a log do.
    """
    options = _FAR if far else _NEAR
    rest = iter(pieces)
    held: list[bytes | memoryview] = []
    size = 0
    for piece in rest:
        held.append(piece)
        size += len(piece)
        if size > WHOLE_BYTES:
            compressor = zstd.ZstdCompressor(options=options)
            return b"".join([*map(compressor.compress, itertools.chain(held, rest)), compressor.flush()])
    return zstd.compress(b"".join(held), options=options)


def decompress(frame: bytes) -> bytes:
    """Return the text that `compress` was given."""
    return zstd.decompress(frame)


def prepend(text: bytes, frame: bytes) -> bytes:
    """One frame of a text followed by what a frame holds, which is not unpacked (RFC 8878, 3.1.1).

    The text goes in front as raw blocks. They touch neither the tables nor the offsets that the frame's own blocks
    begin with, and those refer to nothing before their first byte. Some decoders stop after the first of two frames.

    Raises:
        ValueError: the frame is none that `compress` makes.
    """
    header_bytes, window_log = _read_header(frame)
    blocks = (text[start : start + _BLOCK_BYTES] for start in range(0, len(text), _BLOCK_BYTES))
    raw = b"".join((len(block) << 3).to_bytes(3, "little") + block for block in blocks)
    header = _MAGIC + bytes([0, (window_log - 10) << 3])  # neither size nor checksum; a window of its own
    return header + raw + frame[header_bytes:]


def _read_header(frame: bytes) -> tuple[int, int]:
    """How long a frame's header is, and the binary logarithm of the window that its blocks need."""
    descriptor = frame[4]
    if not frame.startswith(_MAGIC) or descriptor & (_CHECKSUM | _DICTIONARY):
        raise ValueError("not a frame of ours")
    is_single = bool(descriptor & _SINGLE_SEGMENT)
    size_bytes = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    start = 5 if is_single else 6
    if is_single:
        content = int.from_bytes(frame[start : start + size_bytes], "little") + (256 if size_bytes == 2 else 0)
        window_log = max(content - 1, 1).bit_length()
    else:
        window_log = 10 + (frame[5] >> 3) + (1 if frame[5] & 7 else 0)
    return start + size_bytes, max(window_log, _LEAST_WINDOW_LOG)

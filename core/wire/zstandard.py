"""Zstandard compression, from the standard library (Python 3.14 and later) or its backport."""

import itertools
import sys
from collections.abc import Iterable, Iterator

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1
"""Level 3 takes twice as long and compresses digits no better (docs/decisions/0003)."""

LEAST_MATCH = 7
"""Bytes of the shortest repetition that is replaced. Shorter ones are digits that repeat by chance."""

FAR_WINDOW_LOG = 23
"""8 MiB: the longest distance between two equal passages. Browsers accept no larger window (RFC 9659)."""

WHOLE_BYTES = 1 << FAR_WINDOW_LOG
"""A text up to this size is compressed in one piece, with its size in the header."""

__all__ = ["compress", "decompress", "iterate_decompressed", "prepend", "read_size", "zstd"]

_NEAR: dict[int, int] = {
    zstd.CompressionParameter.compression_level: LEVEL,
    zstd.CompressionParameter.min_match: LEAST_MATCH,
}
_FAR: dict[int, int] = {
    **_NEAR,
    zstd.CompressionParameter.window_log: FAR_WINDOW_LOG,
    zstd.CompressionParameter.enable_long_distance_matching: 1,
}
_MAGIC = b"\x28\xb5\x2f\xfd"
_SINGLE_SEGMENT, _CHECKSUM, _DICTIONARY = 0x20, 0x04, 0x03
_BLOCK_BYTES = 128 * 1024
_LEAST_WINDOW_LOG = 17
"""The binary logarithm of the smallest window that holds a block of _BLOCK_BYTES."""


def compress(pieces: Iterable[bytes | memoryview], *, far: bool = False) -> bytes:
    """Compress pieces into one frame.

    A text longer than `WHOLE_BYTES` is compressed piece by piece, without a copy; its header does not give the size.

    Args:
        pieces: the parts of the text, in order.
        far: whether long passages repeat megabytes later, like the top-k lists of a log.
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
    return zstd.compress(held[0] if len(held) == 1 else b"".join(held), options=options)


def decompress(frame: bytes) -> bytes:
    """Return the text of a frame."""
    return zstd.decompress(frame)


def iterate_decompressed(frame: bytes, most: int) -> Iterator[bytes]:
    """Decompress a frame in pieces of at most this many bytes."""
    decoder = zstd.ZstdDecompressor()
    piece = decoder.decompress(frame, most)
    while piece:
        yield piece
        piece = b"" if decoder.eof else decoder.decompress(b"", most)
    if not decoder.eof:
        raise EOFError("the frame is cut short")


def read_size(frame: bytes) -> int | None:
    """Return the size of a frame's content, or None if its header does not give it."""
    return zstd.get_frame_info(frame).decompressed_size


def prepend(text: bytes, frame: bytes) -> bytes:
    """Put a text in front of a frame's content, without unpacking the frame (RFC 8878, 3.1.1).

    The text is added as raw blocks. Raw blocks don't change the tables and offsets that the frame's own blocks start
    with, and those blocks refer to nothing before their first byte. The result is a single frame because some
    decoders stop after the first one.

    Raises:
        ValueError: `compress` did not make the frame.
    """
    header_bytes, window_log = _read_header(frame)
    blocks = (text[start : start + _BLOCK_BYTES] for start in range(0, len(text), _BLOCK_BYTES))
    raw = b"".join((len(block) << 3).to_bytes(3, "little") + block for block in blocks)
    header = _MAGIC + bytes([0, (window_log - 10) << 3])  # no size, no checksum, an explicit window
    return header + raw + frame[header_bytes:]


def _read_header(frame: bytes) -> tuple[int, int]:
    """Return the length of a frame's header in bytes, and the binary logarithm of the window its blocks need."""
    descriptor = frame[4]
    if not frame.startswith(_MAGIC) or descriptor & (_CHECKSUM | _DICTIONARY):
        raise ValueError("not a frame that compress made")
    is_single = bool(descriptor & _SINGLE_SEGMENT)
    size_bytes = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    start = 5 if is_single else 6
    if is_single:
        content = int.from_bytes(frame[start : start + size_bytes], "little") + (256 if size_bytes == 2 else 0)
        window_log = max(content - 1, 1).bit_length()
    else:
        window_log = 10 + (frame[5] >> 3) + (1 if frame[5] & 7 else 0)
    return start + size_bytes, max(window_log, _LEAST_WINDOW_LOG)

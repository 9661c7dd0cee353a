"""One zstd frame made of a text and another frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.wire.zstandard import compress, prepend, zstd


def unpack(frame: bytes) -> bytes:
    decoder = zstd.ZstdDecompressor()
    data = decoder.decompress(frame)
    assert (decoder.eof, decoder.unused_data) == (True, b"")
    return data


@given(st.binary(max_size=2000), st.binary(max_size=3000), st.integers(0, 400))
def test_a_text_before_a_frame_becomes_one_frame(text: bytes, content: bytes, repeats: int) -> None:
    whole = content * repeats
    assert unpack(prepend(text, compress([whole]))) == text + whole


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_791, 65_792, 131_072, 524_288, 524_289, 3_000_000])
@pytest.mark.parametrize("length", [1, 131_072, 131_073, 400_000])
def test_text_and_frame_may_have_any_size(size: int, length: int) -> None:
    content = b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]
    text = b"x" * length
    assert unpack(prepend(text, compress([content]))) == text + content


@pytest.mark.parametrize("frame", [b"\x28\xb5\x2f\xfd\x04" + b"\0" * 8, b"nothing of the kind"])
def test_a_frame_of_another_compressor_is_rejected(frame: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame that compress made"):
        prepend(b"x", frame)

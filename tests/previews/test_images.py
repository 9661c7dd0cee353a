"""Preview images: any text is drawn within the time limit, and each character with a font that has it."""

import io
import time
import unicodedata
from typing import Any

from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.previews.content import HEIGHT, WIDTH, PreviewImage
from core.previews.fonts import FOLDER, find_font, measure, read_coverage
from core.previews.image import draw_request
from core.previews.lines import Shape, break_lines
from core.previews.text import READ_CHARACTERS, shorten

MAX_CPU_S = 0.1
SHAPE = Shape(22, 1000.0, lines=4, characters=85)
TEXTS = st.text(st.characters(), max_size=600)
SCRIPTS = {
    "Latin": "Hello, façade Tiếng Việt",
    "Greek and Cyrillic": "Γειά Привет",
    "CJK": "量子纠缠 こんにちは 안녕하세요",
    "right to left": "שלום مرحبا",
    "Indic": "नमस्ते দুনিয়া தமிழ்",
    "Southeast Asian": "สวัสดี ລາວ မြန်မာ",
    "other": "Հայ ქართული አማርኛ ᠮᠣᠩᠭᠣᠯ",
    "symbols": "→ ∑ ≤ ☃ ▁Ġ 😀 🎉 \U0001d573",
}


def compose(**given: Any) -> PreviewImage:
    empty: dict[str, Any] = {
        "model": "",
        "max_tokens": None,
        "prompt": "",
        "output": "",
        "injected": "",
        "confidence": "",
        "share": None,
    }
    return PreviewImage(**{**empty, **given})


def test_the_coverage_file_lists_the_characters_of_the_fonts() -> None:
    fonts: dict[int, str] = {}
    for name in ("dejavu", "droid", "unifont", "unifont_upper"):
        fonts = dict.fromkeys(TTFont(FOLDER / f"{name}.woff2").getBestCmap() or (), name) | fonts
    starts, ends = read_coverage()
    listed = {code: name for start, (end, name) in zip(starts, ends, strict=True) for code in range(start, end + 1)}
    assert listed == fonts
    assert all(find_font(chr(code)) == name for code, name in list(fonts.items())[::97])
    assert find_font("\U000e0fff") is None


def test_each_font_has_its_license() -> None:
    for path in FOLDER.glob("*.woff2"):
        license_file = FOLDER / f"LICENSE-{path.stem.split('_')[0]}.txt"
        assert len(license_file.read_text("utf-8")) > 1000
        assert license_file.name in (FOLDER / "README.md").read_text("utf-8")


def test_the_fonts_cover_the_scripts_of_traces() -> None:
    missing = {
        script: [one for one in text if not one.isspace() and find_font(one) is None]
        for script, text in SCRIPTS.items()
    }
    assert missing == {script: [] for script in SCRIPTS}


def test_a_warm_image_takes_less_than_the_limit() -> None:
    text = " ".join(SCRIPTS.values()) * 5
    content = compose(model=text, prompt=text, output=text * 10, injected="مرحبا", max_tokens=10**30, share=0.5)
    draw_request(content)  # loads the fonts
    used = []
    for _ in range(5):
        started = time.process_time()
        draw_request(content)
        used.append(time.process_time() - started)
    assert min(used) < MAX_CPU_S


@settings(max_examples=60, deadline=None)
@given(model=TEXTS, prompt=TEXTS, output=TEXTS, injected=TEXTS, confidence=st.sampled_from(["", "≤ 93.1%", "unknown"]))
def test_any_text_is_drawn(model: str, prompt: str, output: str, injected: str, confidence: str) -> None:
    shown = shorten(injected, 200)
    content = compose(model=model, prompt=prompt, output=injected + output, injected=shown, confidence=confidence)
    image = Image.open(io.BytesIO(draw_request(content)))
    image.load()
    assert image.size == (WIDTH, HEIGHT)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, injected=TEXTS)
def test_lines_fit_their_shape_and_keep_the_text(text: str, injected: str) -> None:
    cleaned = shorten(text, 2000)
    lines = break_lines(cleaned, shorten(injected, 200), SHAPE)
    assert len(lines) <= SHAPE.lines
    for line in lines:
        assert len(line.text) <= SHAPE.characters * 2  # ligatures of Arabic are one character or several
        assert measure(line.text, SHAPE.size) <= SHAPE.width * 1.5


def test_the_injected_text_is_marked_across_lines() -> None:
    words = "the quick brown fox jumps over the lazy dog again and again until the end of the line is reached " * 2
    lines = break_lines(f"so {words}end", words.strip(), SHAPE)
    assert lines[0].pieces[0] == ("so ", False)
    assert len(lines) > 2
    assert all(line.pieces[0][1] for line in lines[1:])
    assert "".join(text for line in lines for text, marked in line.pieces if marked).split()[:2] == ["the", "quick"]
    assert lines[-1].pieces[-1] == (" end", False)


def test_the_beginning_of_a_cut_injected_text_is_marked() -> None:
    lines = break_lines("so be it … and on", "be it…", SHAPE)
    assert lines[0].pieces == (("so ", False), ("be it", True), (" … and on", False))
    assert break_lines("so be it… and on", "be it…", SHAPE)[0].pieces[1] == ("be it…", True)
    assert break_lines("so be it", "…", SHAPE)[0].pieces == (("so be it", False),)


def test_a_long_word_is_broken_and_a_long_text_ends_in_an_ellipsis() -> None:
    lines = break_lines("x" * 1000, "", SHAPE)
    assert len(lines) == SHAPE.lines
    assert lines[-1].text.endswith("…")
    assert [len(line.text) for line in lines[:2]] == [len(lines[0].text)] * 2
    assert len(lines[0].text) > 60


@given(st.text(st.characters(), max_size=300), st.integers(2, 200))
def test_a_shortened_text_is_one_clean_line(text: str, limit: int) -> None:
    shown = shorten(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert shown == " ".join(shown.split(" ")).strip()


def test_a_huge_text_is_read_in_part() -> None:
    started = time.process_time()
    assert shorten("a\u0301" * 5_000_000, 60) == "á" * 59 + "…"
    assert shorten("x" * 10_000_000, 60) == "x" * 59 + "…"
    assert time.process_time() - started < 1
    assert shorten("y" * READ_CHARACTERS, 60).endswith("…")

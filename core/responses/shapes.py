"""The shapes of all supported APIs, in the order in which a body with the keys of several is attributed."""

from core.responses.gemini import GEMINI
from core.responses.llama_cpp import LLAMA_CPP
from core.responses.ollama import OLLAMA
from core.responses.openai import CHOICES
from core.responses.output import OUTPUT
from core.responses.plain import PLAIN
from core.responses.sglang import SGLANG
from core.responses.shape import Shape
from core.responses.tgi import TGI

SHAPES: tuple[Shape, ...] = (CHOICES, GEMINI, LLAMA_CPP, TGI, SGLANG, OUTPUT, PLAIN, OLLAMA)
"""A body with the keys of several shapes holds one answer in several forms."""

"""Find where an answer ends before its special end tokens, which some engines leave in the text."""

import re

MAX_END_TOKEN_CHARS = 64

_END_TOKEN = re.compile(r"(?:<\|[^<>\s]+\|>|<\uff5c[^<>\s]+\uff5c>|</s>|<(?:eos|EOS|end_of_turn)>|\[EOS\])\Z")
"""`<|im_end|>`, `<|endoftext|>` and the like, DeepSeek's with wide bars, and those of Llama 2, Gemma and Mistral."""


def find_end(answer: str) -> int:
    """Return the length of an answer without special end tokens and the white space around them."""
    end = len(answer.rstrip())
    while found := _END_TOKEN.search(answer, max(0, end - MAX_END_TOKEN_CHARS), end):
        end = found.start()
        while end and answer[end - 1].isspace():
            end -= 1
    return end

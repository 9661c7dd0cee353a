"""Record calls in a separate process: python recorder_calls.py MODEL_URL THUNDER_URL SPOOL COUNT.

Prints the seconds of the longest call, and those of the exit.
"""

import atexit
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from openai import OpenAI

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "recorder"))
record = import_module("thunder_recorder").record

ended = 0.0
atexit.register(lambda: print(time.monotonic() - ended))  # noqa: T201 - for the test; runs last

model_url, thunder_url, spool, count = sys.argv[1:]
client = record(OpenAI(base_url=model_url, api_key="x", max_retries=0), url=thunder_url, spool=spool)
messages: Any = [{"role": "user", "content": "Capital?"}]
longest = 0.0
for _ in range(int(count)):
    began = time.monotonic()
    client.chat.completions.create(model="m", messages=messages)
    longest = max(longest, time.monotonic() - began)
print(longest)  # noqa: T201 - for the test
ended = time.monotonic()

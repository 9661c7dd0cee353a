"""Call a model through LiteLLM with its own HTTP logger, once per format: python litellm_calls.py MODEL_URL FORMAT….

The loggers are configured by their environment variables.

This is a separate process, because LiteLLM starts tasks and changes global state when it is imported.
"""

import asyncio
import contextlib
import sys
from typing import Any

import litellm
from litellm.integrations.generic_api.generic_api_callback import GenericAPILogger

SECRET = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"


async def main(model_url: str, *log_formats: Any) -> None:
    loggers = [GenericAPILogger(log_format=log_format) for log_format in log_formats]
    litellm.callbacks = [*loggers]
    call: dict[str, Any] = {
        "api_base": model_url,
        "api_key": "x",
        "messages": [{"role": "user", "content": "Capital of France?"}],
        "num_retries": 0,
        "metadata": {"tags": ["from-litellm"], "user_api_key_hash": SECRET, "user_api_key_alias": "team-a"},
    }
    await litellm.acompletion(model="openai/m", logprobs=True, top_logprobs=2, **call)
    stream: Any = await litellm.acompletion(model="openai/streamed", logprobs=True, stream=True, **call)
    async for _ in stream:
        pass
    with contextlib.suppress(litellm.exceptions.InternalServerError):
        await litellm.acompletion(model="openai/broken", **call)
    for _ in range(100):
        if all(len(logger.log_queue) == 3 for logger in loggers):
            break
        await asyncio.sleep(0.05)
    for logger in loggers:
        await logger.flush_queue()


asyncio.run(main(*sys.argv[1:]))

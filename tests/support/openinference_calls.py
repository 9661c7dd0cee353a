"""Call a model with OpenAI's client, traced by OpenInference: python openinference_calls.py MODEL_URL.

The exporter is configured by OTel's environment variables.
"""

import contextlib
import sys
from typing import Any

from openai import InternalServerError, OpenAI
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument(tracer_provider=provider)

client = OpenAI(base_url=sys.argv[1], api_key="x", max_retries=0)
messages: Any = [{"role": "user", "content": "Capital of France?"}]
with trace.get_tracer("app").start_as_current_span("a request of the app"):
    client.chat.completions.create(model="whole", messages=messages, logprobs=True, top_logprobs=2)
    for _ in client.chat.completions.create(
        model="streamed", messages=messages, logprobs=True, top_logprobs=2, stream=True
    ):
        pass
    with contextlib.suppress(InternalServerError):
        client.chat.completions.create(model="broken", messages=messages)
provider.shutdown()

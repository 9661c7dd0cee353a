"""Serve a handler over HTTP, in threads, for the servers that stand in for others."""

import contextlib
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # socketserver's queue of 5 overflows when many clients connect at once: the kernel then drops a connection, whose
    # client tries again after a second, or resets it.
    request_queue_size = 256


@contextlib.contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Generator[int]:
    """Serve on a free port of the loopback interface until the end of the block; yield the port."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

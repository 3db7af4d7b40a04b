"""What the tests of problem sets share: a web server on loopback, and the published data."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[5] / "shared" / "data"


@pytest.fixture(scope="session")
def published() -> Path:
    """Folder of published sets, which we may read and never ship."""
    folder = Path(os.environ.get("OPTO_BENCH_DATA", BESIDE))
    if not (folder / "nl4opt_raw.jsonl").is_file():
        pytest.skip(f"no published sets at {folder}; set OPTO_BENCH_DATA to a folder of them")
    return folder


class Web:
    """A web server on loopback: bytes by path, and faults by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                if target := web.redirects.get(self.path):
                    self.send_response(302)
                    self.send_header("Location", target)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif self.path not in web.files:
                    self.send_error(404)
                else:
                    body = web.files[self.path]
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body[: len(body) // 2] if self.path in web.cut else body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    thread = threading.Thread(target=web.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield web
    web.server.shutdown()
    web.server.server_close()
    thread.join()

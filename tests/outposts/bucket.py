"""Enough of S3 on this machine to see what it is sent: a stand-in, as no real one is at hand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Bucket:
    url: str
    puts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    refusal: tuple[int, str, str] | None = None  # status, code, message


@contextmanager
def bucket() -> Iterator[Bucket]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.puts.append((self.path, headers, self.rfile.read(int(headers["content-length"]))))
            status, text = 200, ""
            if found.refusal:
                status, code, message = found.refusal
                text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Bucket(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

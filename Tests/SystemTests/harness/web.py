"""A small web server that the broker's agent talks to: key sets to fetch, audit lines to take."""

import http.server
import pathlib
import ssl
import threading


class Web:
    """Answers GET with `pages[path]` = (status, bytes), and takes what is posted, as `status` says, after `delay` seconds."""

    def __init__(self, certificate: pathlib.Path | None = None, key: pathlib.Path | None = None, port: int = 0):
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.posts: list[tuple[dict, bytes]] = []
        self.status = 200
        self.hold = threading.Event()
        self.hold.set()
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self):
                web.asked.append(self.path)
                self.reply(*web.pages.get(self.path, (404, b"")))

            def do_POST(self):
                body = self.body()
                web.hold.wait(60)
                web.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.reply(web.status, b"")

            def body(self) -> bytes:
                if "chunked" not in (self.headers["transfer-encoding"] or ""):
                    return self.rfile.read(int(self.headers["content-length"] or 0))
                data = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return data

            def reply(self, status, data):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, address):
                if certificate:
                    request = web.context.wrap_socket(request, server_side=True)
                super().finish_request(request, address)

            def handle_error(self, *_):
                pass

        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate, key)
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://localhost:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def lines(self) -> list[bytes]:
        """What was posted and taken with a good status, line by line."""
        return [line for _, body in list(self.posts) for line in body.splitlines() if line]

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()

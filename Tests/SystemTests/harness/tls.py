"""An engine behind https, with an authority of its own."""

import http.server
import json
import pathlib
import ssl
import threading

from .processes import run


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: pathlib.Path, name: str = "test authority"):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        self.certificate = directory / "ca.pem"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
             "-keyout", directory / "ca.key", "-out", self.certificate])
        self.certificate.chmod(0o644)

    def issue(self, subject: str, names: str, days: int = 30, name: str | None = None) -> tuple[pathlib.Path, pathlib.Path]:
        """A certificate and its key; `names` as OpenSSL writes them: DNS:localhost,IP:127.0.0.1. `name`: the whole subject,
        /O=shop/CN=checkout, where it is more than CN=subject."""
        key, request, certificate = (self.directory / f"{subject}.{kind}" for kind in ("key", "csr", "pem"))
        extension = self.directory / f"{subject}.ext"
        extension.write_text(f"subjectAltName={names}\n")
        run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", name or f"/CN={subject}", "-keyout", key, "-out", request])
        # A later certificate of the same subject replaces the first in one step, as a renewal does.
        signed = certificate.with_suffix(".new")
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.directory / "ca.key",
             "-CAcreateserial", "-days", str(days), "-extfile", extension, "-out", signed])
        signed.rename(certificate)
        return certificate, key


class SecureEngine:
    """Answers chat completions over TLS and remembers what it was asked."""

    def __init__(self, certificate: pathlib.Path, key: pathlib.Path):
        self.requests: list[dict] = []
        self.handshakes = self.resumed = 0
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                engine.requests.append({"fields": dict(self.headers.items()), "body": body})
                if self.headers["authorization"] == "Bearer wrong":
                    return self.reply(401, b'{"error":{"message":"no","type":"x","param":null,"code":"invalid_api_key"}}')
                if not body.get("stream"):
                    return self.reply(200, json.dumps({"model": body["model"], "object": "chat.completion"}).encode())
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for number in range(5):
                    self.chunk(b'data: {"model":"%s","n":%d}\n\n' % (body["model"].encode(), number))
                self.chunk(b"data: [DONE]\n\n")
                self.chunk(b"")

            def chunk(self, data):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

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
                secure = engine.context.wrap_socket(request, server_side=True)
                engine.handshakes += 1
                engine.resumed += secure.session_reused
                super().finish_request(secure, address)

            def handle_error(self, *_):
                pass

        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

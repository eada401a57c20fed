"""A receiver of callbacks that keeps what it gets and checks the signatures."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time


class Sink:
    def __init__(self):
        self.received, self.lock = [], threading.Lock()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with sink.lock:
                    sink.received.append((self.path, self.headers, raw))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def wait(self, path, wanted, seconds=20):
        """The callbacks at this path, once `wanted` of them satisfy; what there is when time is up."""
        end = time.monotonic() + seconds
        while True:
            with self.lock:
                got = [(headers, raw) for p, headers, raw in self.received if p == path]
            if wanted(got) or time.monotonic() > end:
                return got
            time.sleep(0.05)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature_faults(headers, raw, secrets):
    """Every secret named must have signed, as Standard Webhooks says."""
    signatures = (headers.get("webhook-signature") or "").split(" ")
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + raw
    faults = []
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if f"v1,{mac}" not in signatures:
            faults.append(f"no signature by one of {len(secrets)} secrets")
    return faults


def body_of(raw):
    try:
        return json.loads(raw)
    except ValueError:
        return None

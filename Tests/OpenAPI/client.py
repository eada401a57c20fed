"""HTTP calls whose answers are held to the contract, and the tally of what passed."""

import http.client
import json
import time
import urllib.parse


class Broken(Exception):
    """A call that the rest of its scenario builds on has failed."""


class Reply:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        self.text = raw.decode("utf-8", "replace")
        try:
            self.json = json.loads(raw) if raw else None
        except ValueError:
            self.json = None

    def __str__(self):
        return f"status {self.status}, body {self.text[:400]!r}"


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def record(self, name, faults):
        if faults:
            self.failed += 1
            more = [f"and {len(faults) - 6} more"] if len(faults) > 6 else []
            print(f"FAIL {name}: " + "; ".join(faults[:6] + more).replace("\n", " "), flush=True)
        else:
            self.passed += 1
        return not faults


class Client:
    def __init__(self, base, tally, contract=None):
        url = urllib.parse.urlsplit(base)
        self.secure, self.host = url.scheme == "https", url.netloc
        self.tally, self.contract = tally, contract

    def call(
        self, name, method, path, want, *, key=None, body=None, raw=None, query=None, headers=None,
        code=None, must=False,
    ):
        """One call, one tally. `must` raises Broken when it fails; `code` is the problem code wanted."""
        faults, reply = [], None
        for attempt in range(6):
            try:
                reply = self.send(method, path, key, body, raw, query, headers or {})
            except (OSError, http.client.HTTPException) as error:
                faults = [f"no answer: {type(error).__name__} {error}"]
                break
            if reply.status != 429 or want == 429:
                break
            time.sleep(min(float(reply.headers.get("Retry-After") or 1), 5))
        if reply is not None:
            faults = self.contract.faults(method, path, reply)
            if reply.status != want:
                faults.insert(0, f"status {reply.status}, wanted {want}: {reply.text[:300]}")
            elif code and (reply.json or {}).get("code") != code:
                faults.insert(0, f"code {(reply.json or {}).get('code')!r}, wanted {code!r}: {reply.text[:300]}")
        self.tally.record(f"{name} ({method} {path})", faults)
        if reply is None or (must and (reply.status != want or reply.json is None)):
            raise Broken(name)
        return reply

    def send(self, method, path, key, body, raw, query, headers):
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        connection = kind(self.host, timeout=75)
        sent = dict(headers)
        if key:
            sent.setdefault("Authorization", f"Bearer {key}")
        if body is not None:
            raw = json.dumps(body, ensure_ascii=False).encode()
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        if query:
            path += "?" + urllib.parse.urlencode(query)
        try:
            try:
                connection.request(method, path, raw, sent)
            except (BrokenPipeError, ConnectionResetError):
                pass  # A daemon may refuse a large body before it has read all of it; the answer counts.
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def that(self, name, condition, detail):
        """A further claim about what was answered."""
        return self.tally.record(name, [] if condition else [str(detail)])

"""The daemon as a child process: started, called, measured, ended by its id."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

SETTINGS = {
    # A page cache that fills as the database grows would look like memory that is not given back.
    "database.cacheMiB": "2", "database.readers": "2",
    "callbacks.retry.stepsSeconds": "[1,2,4]", "callbacks.totalTimeoutSeconds": "3",
    "callbacks.breaker.pauseSeconds": "1", "callbacks.breaker.longestPauseSeconds": "5"}


class Daemon:
    def __init__(self, binary, directory, environment):
        self.binary, self.directory, self.environment = binary, directory, environment
        self.process, self.url, self.listening = None, None, threading.Event()

    def start(self):
        flags = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        self.listening.clear()
        # SIGXFSZ stays ignored, as Python has it: a full disk raises no signal either.
        self.process = subprocess.Popen(
            [self.binary, "serve", "--state-dir", self.directory, "--listen", "127.0.0.1:0", *flags],
            stderr=subprocess.PIPE, restore_signals=False, env={**os.environ, **self.environment})
        threading.Thread(target=self.keep_log, args=(self.process.stderr,), daemon=True).start()
        if not self.listening.wait(60):
            sys.exit(f"the daemon did not start; see {self.directory}/soak.log")

    def keep_log(self, lines):
        with open(self.directory + "/soak.log", "ab") as log:
            for line in lines:
                log.write(time.strftime("%H:%M:%S ").encode() + line)
                log.flush()
                if line.startswith(b"listening on "):
                    self.url = line.decode().removeprefix("listening on ").strip()
                    self.listening.set()

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(60)

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next((int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS")), 0)

    def call(self, method, path, key, body=None):
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                raw = reply.read()
                return reply.status, json.loads(raw) if raw else None
        except urllib.error.HTTPError as error:
            return error.code, None
        except (OSError, ValueError):
            return None, None

    def queued(self):
        """What the outbox holds; nil when it cannot be told."""
        try:
            with urllib.request.urlopen(self.url + "/metrics", timeout=30) as reply:
                for line in reply.read().decode().splitlines():
                    if line.startswith('xiecha_queue_depth{queue="outbox"} '):
                        return int(float(line.split()[-1]))
        except (OSError, ValueError):
            return None

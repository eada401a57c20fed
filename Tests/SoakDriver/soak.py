"""The daemon among receivers in every state; see Tests/soak."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from receivers import KINDS, Receiver

ENDPOINTS, DRAIN_SECONDS = 100, 300
ORGANS = 5  # an organ has at most 100 endpoints; these five share them
SETTINGS = {
    "callbacks.retry.stepsSeconds": "[1,2,4]", "callbacks.totalTimeoutSeconds": "3", "callbacks.breaker.pauseSeconds": "1",
    "callbacks.breaker.longestPauseSeconds": "5"}
SUBJECT = {"kind": "person", "name": "张三", "idType": "resident-id", "idNumber": "11010519491231002X"}


class Daemon:
    def __init__(self, binary, directory):
        self.binary, self.directory, self.process, self.url = binary, directory, None, None
        self.log = open(directory + "/soak.log", "ab")

    def start(self):
        flags = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        at = self.log.tell()
        self.process = subprocess.Popen(
            [self.binary, "serve", "--state-dir", self.directory, "--listen", "127.0.0.1:0", *flags], stderr=self.log)
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with open(self.log.name, "rb") as log:
                log.seek(at)
                for line in log.read().decode().splitlines():
                    if line.startswith("listening on "):
                        self.url = line.removeprefix("listening on ")
                        return
            time.sleep(0.05)
        sys.exit(f"the daemon did not start; see {self.log.name}")

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(60)

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))

    def call(self, method, path, key, body=None):
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                raw = reply.read()
                return reply.status, json.loads(raw) if raw else None
        except urllib.error.HTTPError as error:
            return error.code, None
        except (OSError, ValueError):
            return None, None


class Soak:
    def __init__(self, binary, minutes):
        self.directory = tempfile.mkdtemp(prefix="xiecha-soak-")
        subprocess.run(
            [binary, "init", "--state-dir", self.directory, "--example", "qidong"], check=True, stdout=subprocess.DEVNULL)
        with open(self.directory + "/keys.json") as keys:
            self.keys = json.load(keys)
        self.codes = sorted(self.keys["organs"])[: ORGANS + 1]
        self.daemon, self.seconds = Daemon(binary, self.directory), minutes * 60
        self.receivers = [Receiver(KINDS[index % len(KINDS)]) for index in range(ENDPOINTS)]
        # Acknowledged requests; those whose answer was lost may be there or not.
        self.promised, self.stops, self.kills, self.peak, self.endpoints = set(), 0, 0, 0, []

    async def call(self, *arguments):
        return await asyncio.to_thread(self.daemon.call, *arguments)

    async def register(self):
        for index, receiver in enumerate(self.receivers):
            await receiver.start()
            code = self.codes[1 + index % ORGANS]
            status, endpoint = await self.call(
                "POST", "/v1/endpoints", self.keys["organs"][code], {"url": f"http://127.0.0.1:{receiver.port}/"})
            if status != 201:
                sys.exit(f"an endpoint was refused: {status}; the example must allow loopback")
            self.endpoints.append((endpoint["id"], code))

    async def client(self, until):
        """Submits and moves requests; what was answered is promised."""
        asker = self.keys["organs"][self.codes[0]]
        while time.monotonic() < until:
            code = random.choice(self.codes[1:])
            body = {
                "to": code, "subject": SUBJECT, "purpose": "soak", "signatory": "李四",
                "questions": [{"id": "q1", "text": "申请人是否已办理结婚登记", "asOf": "2026-01-05"}],
                "commitment": {"number": "（2026年）第1号", "signedOn": "2026-01-05", "byAgent": False}}
            status, request = await self.call("POST", "/v1/requests", asker, body)
            if status == 201:
                self.promised.add(request["id"])
                key = self.keys["organs"][code]
                await self.call("POST", f"/v1/requests/{request['id']}/acknowledge", key, {})
                await self.call("POST", f"/v1/requests/{request['id']}/withdraw", asker, {"reason": "soak"})
            elif status is not None and status not in (503, 429):
                sys.exit(f"a request was refused: {status}")
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def trouble(self, until):
        """Every twenty seconds the daemon is stopped for some, or killed in the middle of its work."""
        while time.monotonic() + 20 < until:
            await asyncio.sleep(random.uniform(8, 12))
            self.peak = max(self.peak, self.daemon.resident_mb())
            self.daemon.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(random.uniform(1, 4))
            self.daemon.process.send_signal(signal.SIGCONT)
            self.stops += 1
            await asyncio.sleep(random.uniform(2, 5))
            await asyncio.to_thread(self.daemon.end, signal.SIGKILL)
            await asyncio.to_thread(self.daemon.start)
            self.kills += 1

    async def mend(self):
        for receiver in self.receivers:
            receiver.mended = True
        for endpoint, code in self.endpoints:
            status = None
            while status != 200:
                status, _ = await self.call("PATCH", f"/v1/endpoints/{endpoint}", self.keys["organs"][code], {"enabled": True})

    async def drained(self):
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end:
            _, top = await self.call("GET", "/v1/outbox/top?limit=500", self.keys["operator"])
            if top and top["queued"] == 0:
                return True
            await asyncio.sleep(0.5)
        return False

    async def owed(self, code):
        """The organ's own feed: (request, version, id) in order, and what it was owed while its endpoint was off is not."""
        events, after = [], 0
        while True:
            _, page = await self.call("GET", f"/v1/events?limit=500&after={after}", self.keys["organs"][code])
            if not page["items"]:
                return events
            events += [(item["request"], item["version"], item["id"]) for item in page["items"]]
            after = page["items"][-1]["seq"]

    async def judge(self):
        faults, repetitions, arrivals = [], 0, 0
        feeds = {code: await self.owed(code) for code in self.codes[1:]}
        known = {request for events in feeds.values() for request, _, _ in events}
        lost = self.promised - known
        if lost:
            faults.append(f"{len(lost)} acknowledged requests are gone")
        for receiver, (endpoint, code) in zip(self.receivers, self.endpoints):
            name, seen, last = f"{receiver.kind} {endpoint}", set(), {}
            for request, version, webhook in receiver.taken:
                arrivals += 1
                if webhook in seen:
                    repetitions += 1
                    if webhook not in receiver.unsure:
                        receiver.unsure.add(webhook)
                        self.unexplained += 1
                    continue
                if version < last.get(request, 0):
                    faults.append(f"{name}: {request} {version} after {last[request]}")
                last[request] = version
                seen.add(webhook)
            # Of one that was switched off, only what was queued before is owed.
            missing = {event for _, _, event in feeds[code]} - seen
            if missing and receiver.kind != "gone":
                faults.append(f"{name}: {len(missing)} of {len(feeds[code])} never came")
        # A kill between the answer and its record, for each message that was on the wire then, is what may come twice.
        if self.unexplained > self.kills * 256:
            faults.append(f"{self.unexplained} repetitions that no kill explains")
        return faults, arrivals, repetitions

    async def run(self):
        self.unexplained = 0
        self.daemon.start()
        await self.register()
        await asyncio.sleep(1)
        before, until = self.daemon.resident_mb(), time.monotonic() + self.seconds
        await asyncio.gather(self.trouble(until), *(self.client(until) for _ in range(4)))
        self.peak = max(self.peak, self.daemon.resident_mb())
        mended = time.monotonic()
        await self.mend()
        faults = [] if await self.drained() else [f"the queues are not empty after {DRAIN_SECONDS} s"]
        drained = time.monotonic() - mended
        judged, arrivals, repetitions = await self.judge()
        faults += judged
        await asyncio.sleep(3)
        after = self.daemon.resident_mb()
        if after > max(2 * before, before + 100):
            faults.append(f"memory went from {before} to {after} MB and stayed")
        if self.daemon.end(signal.SIGTERM) != 0:
            faults.append("SIGTERM did not end with 0")
        verified = subprocess.run(
            [self.daemon.binary, "verify", "--state-dir", self.directory], capture_output=True, text=True)
        if verified.returncode != 0:
            faults.append(f"xiecha verify: {verified.stderr.strip()[:300]}")
        print(
            f"soak: {self.seconds / 60:g} min, {len(self.receivers)} endpoints in {len(KINDS)} states, {self.stops} stops,"
            f" {self.kills} kills -9, {len(self.promised)} requests promised, {arrivals} callbacks taken, {repetitions} of"
            f" them repetitions ({self.unexplained} about a kill or a stop, the others after lost or late replies), drained in {drained:.0f} s"
            f" once all were mended, memory {before} → peak {self.peak} → {after} MB")
        for fault in faults:
            print("FAIL " + fault)
        print("未通过 / failed" if faults else "通过 / passed")
        return 1 if faults else 0


def main():
    soak = Soak(os.path.abspath(sys.argv[1]), float(sys.argv[2]))
    status = 1
    try:
        status = asyncio.run(soak.run())
    finally:
        if soak.daemon.process and soak.daemon.process.poll() is None:
            soak.daemon.process.send_signal(signal.SIGCONT)
            soak.daemon.end(signal.SIGKILL)
        soak.daemon.log.close()
        if status == 0:
            shutil.rmtree(soak.directory, ignore_errors=True)
        else:
            print(f"left for a look: {soak.directory}")
    sys.exit(status)


if __name__ == "__main__":
    main()

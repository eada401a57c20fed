"""The daemon among receivers in every state; see Tests/soak."""

import asyncio
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from certificates import Certificates
from daemon import Daemon
from judge import Judge
from receivers import TLS, Street
from troubles import Clock, Hosts, Troubles

PER_ORGAN = 100  # an organ has at most so many endpoints
WARM_REQUESTS, MEMORY_MB, DRAIN_SECONDS = 40, 40, 300
SUBJECT = {"kind": "person", "name": "张三", "idType": "resident-id", "idNumber": "11010519491231002X"}


class Soak:
    def __init__(self, binary, minutes, endpoints):
        self.directory = tempfile.mkdtemp(prefix="xiecha-soak-")
        # Outside the state directory, whose files are the daemon's.
        self.own = tempfile.mkdtemp(prefix="xiecha-soak-own-")
        subprocess.run(
            [binary, "init", "--state-dir", self.directory, "--example", "qidong"], check=True,
            stdout=subprocess.DEVNULL)
        with open(self.directory + "/keys.json") as keys:
            self.keys = json.load(keys)
        codes = sorted(self.keys["organs"])
        self.asker, self.codes = codes[0], codes[1 : 2 + (endpoints - 1) // PER_ORGAN]
        if len(self.codes) * PER_ORGAN < endpoints:
            sys.exit(f"{len(codes)} organs have room for {(len(codes) - 1) * PER_ORGAN} endpoints")
        self.certificates = Certificates(self.own + "/tls")
        self.clock, self.hosts = Clock(self.own), Hosts(self.own)
        self.daemon, self.seconds = Daemon(binary, self.directory, self.clock.environment()), minutes * 60
        self.street = Street(endpoints, self.certificates, None if self.hosts.why_not else self.hosts)
        self.troubles = Troubles(self.daemon, self.street, self.clock, self.hosts, self.keys["operator"])
        # Acknowledged requests and when; those whose answer was lost may be there or not.
        self.promised, self.peak, self.endpoints, self.slow = {}, 0, [], []

    async def call(self, *arguments):
        return await asyncio.to_thread(self.daemon.call, *arguments)

    async def register(self):
        await self.street.start()
        for index, receiver in enumerate(self.street.receivers):
            code = self.codes[index % len(self.codes)]
            body = {"url": receiver.url}
            if receiver.kind in TLS:
                body["tls"] = {"ca": self.certificates.authority}
            status, endpoint = await self.call("POST", "/v1/endpoints", self.keys["organs"][code], body)
            if status != 201:
                sys.exit(f"an endpoint was refused: {status}; the example must allow loopback")
            self.endpoints.append((endpoint["id"], code))

    async def submit(self):
        """One request and its transitions; what was answered is promised."""
        asker, code = self.keys["organs"][self.asker], random.choice(self.codes)
        body = {
            "to": code, "subject": SUBJECT, "purpose": "soak", "signatory": "李四",
            "questions": [{"id": "q1", "text": "申请人是否已办理结婚登记", "asOf": "2026-01-05"}],
            "commitment": {"number": "（2026年）第1号", "signedOn": "2026-01-05", "byAgent": False}}
        status, request = await self.call("POST", "/v1/requests", asker, body)
        if status == 201:
            self.promised[request["id"]] = time.monotonic()
            await self.call("POST", f"/v1/requests/{request['id']}/acknowledge", self.keys["organs"][code], {})
            await self.call("POST", f"/v1/requests/{request['id']}/withdraw", asker, {"reason": "soak"})
        elif status is not None and status not in (503, 429):
            sys.exit(f"a request was refused: {status}")

    async def client(self, working):
        while not working.done():
            await self.submit()
            await asyncio.sleep(random.uniform(0.3, 1.2))

    async def watch(self):
        """The daemon's memory, and whether the receivers themselves stood still."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.25)
            now = time.monotonic()
            if now - before > 1.25:
                self.slow.append(("slow", before, now))
            try:
                self.peak = max(self.peak, self.daemon.resident_mb())
            except OSError:
                pass

    async def warm_up(self):
        """A first wave, refused by everybody at first so that it goes out with the wire full, as the last one will:
        what the daemon holds after it, of connections, buffers and pages, is its level."""
        self.street.set_refusing(True)
        for _ in range(WARM_REQUESTS):
            await self.submit()
        self.street.set_refusing(False)
        if not await self.drained():
            sys.exit("the first wave did not arrive")
        await asyncio.sleep(3)
        return self.daemon.resident_mb()

    async def mend(self):
        self.clock.set(0)
        self.street.set_trouble(False)
        for receiver, (endpoint, code) in zip(self.street.receivers, self.endpoints):
            if receiver.kind == "gone":
                # The one that met 410 was given up, and what came since was not queued: its organ asks for all of it.
                await self.insist("POST", f"/v1/endpoints/{endpoint}/replay", code, {"after": self.warm_seq})
                await self.insist("PATCH", f"/v1/endpoints/{endpoint}", code, {"enabled": True})

    async def insist(self, method, path, code, body):
        for _ in range(60):
            status, reply = await self.call(method, path, self.keys["organs"][code], body)
            if status in (200, 202):
                return reply
            await asyncio.sleep(1)
        sys.exit(f"{method} {path} is refused: {status}")

    async def drained(self):
        end = time.monotonic() + DRAIN_SECONDS + self.seconds
        while time.monotonic() < end:
            if await asyncio.to_thread(self.daemon.queued) == 0:
                return True
            await asyncio.sleep(1)
        return False

    async def owed(self, code):
        """The organ's own feed: (request, version, id) in order."""
        events, after = [], 0
        while True:
            _, page = await self.call("GET", f"/v1/events?limit=500&after={after}", self.keys["organs"][code])
            if not page["items"]:
                return events
            events += [(item["request"], item["version"], item["id"]) for item in page["items"]]
            after = page["items"][-1]["seq"]
            self.warm_seq = max(self.warm_seq, after)

    async def run(self):
        self.warm_seq = 0
        self.daemon.start()
        watching = asyncio.create_task(self.watch())
        await self.register()
        before = await self.warm_up()
        for code in self.codes:
            await self.owed(code)
        self.street.set_trouble(True)
        until = time.monotonic() + self.seconds
        working = asyncio.create_task(self.troubles.run(until, 30 if self.seconds >= 120 else 4))
        await asyncio.gather(working, *(self.client(working) for _ in range(3)))
        mended = time.monotonic()
        await self.mend()
        faults = [] if await self.drained() else [f"the queues are not empty after {time.monotonic() - mended:.0f} s"]
        drained = time.monotonic() - mended
        await asyncio.sleep(3)
        after = self.daemon.resident_mb()
        watching.cancel()
        judge = await self.judge()
        if after > before + MEMORY_MB:
            faults.append(f"memory went from {before} to {after} MB and stayed; {MEMORY_MB} MB more are allowed")
        if self.daemon.end(signal.SIGTERM) != 0:
            faults.append("SIGTERM did not end with 0")
        verified = subprocess.run(
            [self.daemon.binary, "verify", "--state-dir", self.directory], capture_output=True, text=True)
        if verified.returncode != 0:
            faults.append(f"xiecha verify: {verified.stderr.strip()[:300]}")
        return self.tell(judge, judge.faults + faults + self.troubles.faults, (before, self.peak, after), drained)

    async def judge(self):
        judge = Judge(self.troubles.windows + self.slow)
        feeds = {code: await self.owed(code) for code in self.codes}
        known = {request for events in feeds.values() for request, _, _ in events}
        lost = set(self.promised) - known
        if lost:
            judge.faults.append(f"{len(lost)} acknowledged requests are gone: {sorted(lost)[:3]}")
        for receiver, (endpoint, code) in zip(self.street.receivers, self.endpoints):
            judge.receiver(receiver, feeds[code], f"{receiver.kind} {endpoint}", self.promised)
        return judge

    def tell(self, judge, faults, memory, drained):
        skipped = {
            what: fault.why_not for what, fault in (("clock", self.clock), ("dns", self.hosts)) if fault.why_not}
        before, peak, after = memory
        count, minutes, excused = len(self.endpoints), f"{self.seconds / 60:g}", judge.excused
        kills, stops, slow = excused["kill"], excused["stop"], excused["slow"]
        organs, requests = len(self.codes), len(self.promised)
        print(judge.table(skipped))
        print(
            f"{minutes} 分钟，{organs} 个机关 {count} 个回调地址，受理 {requests} 件；修好后 {drained:.0f} 秒投完；"
            f"内存 {before} → 最高 {peak} → {after} MB\n"
            f"{minutes} min, {count} endpoints ({organs} organs), {requests} requests acknowledged; drained in"
            f" {drained:.0f} s once all were mended; memory {before} → peak {peak} → {after} MB\n"
            f"重复的来由：断电前一秒的答复 {kills}，停顿中的答复 {stops}，接收方迟缓 {slow}，"
            "其余为接收方未能送回答复\n"
            f"Why some came again: answered in the second before a kill {kills}, during a stop {stops},"
            f" receivers too busy {slow}; the others never sent their answer")
        for fault in faults[:40]:
            print("FAIL " + fault)
        if len(faults) > 40:
            print(f"FAIL … and {len(faults) - 40} more")
        print("未通过 / failed" if faults else "通过 / passed")
        return 1 if faults else 0

    def end(self, status):
        process = self.daemon.process
        if process and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            self.daemon.end(signal.SIGKILL)
        shutil.rmtree(self.own, ignore_errors=True)
        if status == 0:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            print(f"left for a look: {self.directory}")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    endpoints = int(sys.argv[3])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < 4 * endpoints + 500:
        sys.exit(f"{endpoints} endpoints need more open files than {most}")
    soak = Soak(os.path.abspath(sys.argv[1]), float(sys.argv[2]), endpoints)
    status = 1
    try:
        status = asyncio.run(soak.run())
    finally:
        soak.end(status)
    sys.exit(status)


if __name__ == "__main__":
    main()

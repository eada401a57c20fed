"""What befalls the whole daemon. Each trouble is a window of time that the judge knows."""

import asyncio
import mmap
import os
import random
import resource
import signal
import sqlite3
import struct
import subprocess
import time

from receivers import answers_within

HOUR = 3600
NAMES = {
    "kill": "断电 kill -9", "stop": "停顿 SIGSTOP", "lock": "数据库被他人锁住 10 秒 database locked",
    "full": "磁盘写满 disk full", "clock": "时钟拨动一小时 clock set by an hour", "dns": "域名改址 DNS changed"}


class Clock:
    """The wall clock of the daemon alone; needs a C compiler."""

    def __init__(self, directory):
        self.library, self.path = f"{directory}/wallclock.so", f"{directory}/wallclock"
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wallclock.c")
        try:
            made = subprocess.run(
                ["cc", "-O1", "-shared", "-fPIC", "-o", self.library, source, "-ldl"], capture_output=True, text=True)
            self.why_not = None if made.returncode == 0 else made.stderr.strip().splitlines()[-1]
        except FileNotFoundError:
            self.why_not = "没有 C 编译器 / there is no C compiler"
        with open(self.path, "wb") as file:
            file.write(bytes(8))

    def environment(self):
        return {} if self.why_not else {"LD_PRELOAD": self.library, "SOAK_CLOCK": self.path}

    def set(self, seconds):
        with open(self.path, "r+b") as file, mmap.mmap(file.fileno(), 8) as page:
            page[:8] = struct.pack("=q", seconds)


class Hosts:
    """Names of our own, in a mount namespace of our own; whoever runs this sees nothing of them."""

    def __init__(self, directory):
        self.file, self.names = f"{directory}/hosts", []
        self.write(None)
        # What /etc/hosts does not know is asked of nobody outside.
        with open(f"{directory}/resolv.conf", "w") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.why_not = None
        if os.environ.get("SOAK_OWN_MOUNTS") != "1":
            self.why_not = "此处不许 unshare / unshare is not permitted here"
            return
        for file, place in ((self.file, "/etc/hosts"), (f"{directory}/resolv.conf", "/etc/resolv.conf")):
            done = subprocess.run(["mount", "--bind", file, os.path.realpath(place)], capture_output=True, text=True)
            if done.returncode != 0:
                self.why_not = done.stderr.strip()

    def name(self, index):
        self.names.append(f"receiver-{index}.soak.test")
        self.write("127.0.0.1")
        return self.names[-1]

    def write(self, address):
        """All names lead there; nowhere when it is None. Into the same file, which is the one that is mounted."""
        with open(self.file, "w") as file:
            file.write("127.0.0.1 localhost\n")
            if address:
                file.write("".join(f"{address} {name}\n" for name in self.names))


class Troubles:
    def __init__(self, daemon, street, clock, hosts, key):
        self.daemon, self.street, self.clock, self.hosts, self.key = daemon, street, clock, hosts, key
        # (what, from, to) by the monotonic clock.
        self.windows, self.faults = [], []

    async def run(self, until, long_stop):
        """All of them in turn, beginning anew until the time is over; the first round is always finished."""
        await asyncio.sleep(3)
        first = True
        while first or time.monotonic() < until:
            for trouble in (
                lambda: self.kill(), lambda: self.lock(10), lambda: self.move() if first else asyncio.sleep(0),
                lambda: self.full(8), lambda: self.kill(), lambda: self.set_clock(),
                lambda: self.stop(long_stop if first else random.uniform(1, 4)), lambda: self.kill(),
            ):
                if not first and time.monotonic() > until:
                    return
                await trouble()
                await self.ready()
                await asyncio.sleep(random.uniform(1, 3))
            first = False
        while time.monotonic() < until:
            await asyncio.sleep(0.5)

    async def busy(self):
        """A moment at which many callbacks are being answered, as far as one comes soon."""
        end = time.monotonic() + 6
        while time.monotonic() < end and answers_within(0.1) < 25:
            await asyncio.sleep(0.005)

    def note(self, what, since):
        self.windows.append((what, since, time.monotonic()))

    async def ready(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            status, _ = await asyncio.to_thread(self.daemon.call, "GET", "/readyz", self.key)
            if status == 200:
                return
            await asyncio.sleep(0.2)
        self.faults.append(f"not ready 20 s after: {self.windows[-1][0]}")

    async def kill(self):
        await self.busy()
        now = time.monotonic()
        await asyncio.to_thread(self.daemon.end, signal.SIGKILL)
        self.note("kill", now)
        await asyncio.to_thread(self.daemon.start)

    async def stop(self, seconds):
        await self.busy()
        now = time.monotonic()
        self.daemon.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.daemon.process.send_signal(signal.SIGCONT)
        self.note("stop", now)

    async def lock(self, seconds):
        await self.busy()
        now = time.monotonic()
        await asyncio.to_thread(self.hold, seconds)
        self.note("lock", now)

    def hold(self, seconds):
        """As a foreign program would: the write lock on the live file, for as long as it likes."""
        database = sqlite3.connect(self.daemon.directory + "/xiecha.sqlite", timeout=30, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        database.execute("ROLLBACK")
        database.close()

    async def full(self, seconds):
        """No file of the daemon takes a byte more, in the midst of recording what has arrived; then there is space."""
        await self.busy()
        now = time.monotonic()
        _, hard = resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE, (8192, hard))
        await asyncio.sleep(seconds)
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.note("full", now)

    async def set_clock(self):
        if self.clock.why_not:
            return
        for hours in (-1, 0, 1, 0):
            now = time.monotonic()
            self.clock.set(hours * HOUR)
            await asyncio.sleep(7)
            self.note("clock", now)

    async def move(self):
        """For some seconds the names lead nowhere, then to another address; at the old one nobody answers."""
        if self.hosts.why_not:
            return
        now = time.monotonic()
        self.hosts.write(None)
        self.street.leave_old_address()
        await asyncio.sleep(3)
        self.hosts.write("127.0.0.2")
        self.note("dns", now)

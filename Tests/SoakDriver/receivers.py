"""Receivers in every state, on one host. Each keeps book of what it answered with 2xx, and when."""

import asyncio
import collections
import json
import random
import ssl
import time

TLS = {"tls-expired": "证书过期", "tls-wrong-name": "证书名不符", "tls-unknown-ca": "证书机构不明"}
# What each does, in the order of the summary; all of them are good when they are mended.
KINDS = {
    "good": "正常", "stall": "不答", "reset": "连接重置", "drip": "逐字慢答", "error": "答复 500", "gone": "答复 410",
    "redirect": "重定向", "big": "超长答复", "liar": "长度不实", "never-reads": "只连不读", "flap": "每2秒时好时坏",
    "late": "超时后才答 200", "lost-reply": "收下后断开", **TLS, "moves": "域名改址"}

# When receivers answered with 2xx lately, all of them together.
answered = collections.deque(maxlen=1000)


def answers_within(seconds):
    return sum(1 for moment in answered if moment > time.monotonic() - seconds)


class Receiver:
    def __init__(self, kind, path="/"):
        self.kind, self.path, self.trouble, self.refuses, self.url = kind, path, False, False, None
        # (moment, request, version, webhook-id) of each that was taken, in order; the ids of those of which the sender
        # cannot know that they were.
        self.taken, self.unsure = [], set()

    def take(self, key):
        answered.append(time.monotonic())
        self.taken.append((answered[-1], *key))

    def state(self):
        if self.refuses:
            return "error"
        if not self.trouble or self.kind in TLS or self.kind == "moves":
            return "good"
        if self.kind == "flap":
            return "good" if int(time.monotonic() / 2) % 2 else "error"
        return self.kind

    async def wait(self, seconds):
        """In pieces, so that what is mended holds nobody for the rest of it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.trouble:
            await asyncio.sleep(0.2)

    async def answer(self, writer, key):
        """Returns whether the connection may be used again."""
        def send(status, extra="", body=b""):
            writer.write(f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        state = self.state()
        if state in ("late", "lost-reply"):
            self.unsure.add(key[2])
        if state in ("good", "late", "lost-reply"):
            self.take(key)
        if state == "good":
            send("204 No Content")
        elif state == "stall":
            await self.wait(20)
            return False
        elif state in ("reset", "lost-reply"):
            writer.transport.abort()
            return False
        elif state == "drip":
            for byte in b"HTTP/1.1 500 Slow\r\nX: ":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)
            return False
        elif state == "error":
            send("500 Broken", random.choice(["", "Retry-After: 3\r\n"]))
        elif state == "gone":
            send("410 Gone")
        elif state == "redirect":
            send("307 Elsewhere", "Location: http://127.0.0.1:1/\r\n")
        elif state == "big":
            send("500 Big", body=b"x" * 1_000_000)
        elif state == "liar":
            writer.write(b"HTTP/1.1 500 Liar\r\nContent-Length: 100\r\n\r\nshort")
            await writer.drain()
            return False
        elif state == "late":
            # The sender has given up by then, and what it sends again is a repetition that it could not avoid.
            await self.wait(5)
            send("200 Late")
        await writer.drain()
        return True


class Listener:
    """A port, and the receivers behind it by their paths."""

    def __init__(self, receivers, context=None):
        self.by_path, self.context = {receiver.path: receiver for receiver in receivers}, context
        self.servers, self.open = {}, {}

    async def start(self, port=0, address="127.0.0.1"):
        def serve(reader, writer):
            return self.serve(address, reader, writer)

        server = await asyncio.start_server(serve, address, port, limit=1 << 20, ssl=self.context)
        self.servers[address], self.open[address] = server, set()
        return server.sockets[0].getsockname()[1]

    def leave(self, address):
        """Nobody is there any more."""
        self.servers[address].close()
        self.hang_up(address)

    def hang_up(self, address="127.0.0.1"):
        for writer in list(self.open[address]):
            writer.transport.abort()

    async def serve(self, address, reader, writer):
        self.open[address].add(writer)
        try:
            while await self.one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self.open[address].discard(writer)
            writer.close()

    async def one(self, reader, writer):
        only = next(iter(self.by_path.values()))
        if only.state() == "never-reads":
            await only.wait(20)
            return False
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        body = json.loads(await reader.readexactly(int(fields.get("content-length", 0))))
        key = (body["data"]["request"], body["data"]["version"], fields["webhook-id"])
        return await self.by_path[head[0].split(" ")[1]].answer(writer, key)


class Street:
    """All receivers. Those that are good share one port and are told apart by path; the others have one each."""

    def __init__(self, count, certificates, hosts):
        self.certificates, self.hosts, self.listeners = certificates, hosts, []
        kinds = [kind for kind in KINDS if hosts or kind != "moves"]
        self.receivers = []
        for index in range(count):
            kind = kinds[index % len(kinds)]
            self.receivers.append(Receiver(kind, f"/{index}" if kind == "good" else "/"))

    async def start(self):
        shared = Listener([receiver for receiver in self.receivers if receiver.kind == "good"])
        port = await shared.start()
        for index, receiver in enumerate(self.receivers):
            if receiver.kind == "good":
                receiver.url = f"http://127.0.0.1:{port}{receiver.path}"
                continue
            listener, host = Listener([receiver], self.context(receiver.kind)), "127.0.0.1"
            own = await listener.start()
            if receiver.kind == "moves":
                host = self.hosts.name(index)
                await listener.start(own, "127.0.0.2")
            receiver.url = f"{'https' if listener.context else 'http'}://{host}:{own}/"
            self.listeners.append((receiver, listener))

    def context(self, kind):
        if kind not in TLS:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # A resumed session shows no certificate.
        context.num_tickets = 0
        self.certificates.load(context, "right")
        return context

    def set_refusing(self, refuses):
        for receiver in self.receivers:
            receiver.refuses = refuses

    def set_trouble(self, trouble):
        for receiver in self.receivers:
            receiver.trouble = trouble
        for receiver, listener in self.listeners:
            if listener.context:
                self.certificates.load(listener.context, receiver.kind if trouble else "right")
                listener.hang_up()

    def leave_old_address(self):
        for receiver, listener in self.listeners:
            if receiver.kind == "moves":
                listener.leave("127.0.0.1")

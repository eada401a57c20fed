"""Receivers in every state, on one host, told apart by port. Each keeps book of what it answered with 2xx."""

import asyncio
import json
import random
import time

KINDS = (
    "good", "stall", "reset", "drip", "error", "gone", "redirect", "big", "liar", "never-reads", "flap", "late",
    "lost-reply")


class Receiver:
    def __init__(self, kind):
        self.kind, self.mended, self.server, self.port = kind, False, None, 0
        # (request, version, webhook-id) in the order in which they were taken, and all attempts.
        self.taken, self.attempts, self.unsure = [], 0, set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        if self.state() == "never-reads":
            await self.wait(20)
            return False
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = json.loads(await reader.readexactly(int(fields.get("content-length", 0))))
        self.attempts += 1
        key = (body["data"]["request"], body["data"]["version"], fields["webhook-id"])
        return await self.answer(self.state(), writer, key)

    def state(self):
        if self.mended:
            return "good"
        if self.kind == "flap":
            return "good" if int(time.monotonic() / 2) % 2 else "error"
        return self.kind

    async def wait(self, seconds):
        """In pieces, so that what is mended holds nobody for the rest of it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.mended:
            await asyncio.sleep(0.2)

    async def answer(self, state, writer, key):
        def send(status, extra="", body=b""):
            writer.write(f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        if state == "good":
            self.taken.append(key)
            send("204 No Content")
        elif state == "stall":
            await self.wait(20)
            return False
        elif state == "reset":
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
            await self.wait(5)
            # Too late: the sender has given up, and what it sends again is a repetition that it could not avoid.
            self.unsure.add(key[2])
            self.taken.append(key)
            send("200 Late")
        elif state == "lost-reply":
            self.unsure.add(key[2])
            self.taken.append(key)
            writer.transport.abort()
            return False
        await writer.drain()
        return True

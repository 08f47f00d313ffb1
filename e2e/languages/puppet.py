"""A speaker in Python that does what it is told: python-socketio as Debian has it, by threads or by asyncio.

    puppet.py threads|asyncio URL TRANSPORT NAME

puppet.js tells what a puppet takes and says.
"""

import asyncio
import json
import sys
import threading

import socketio

WAIT = 20  # seconds
BYTES = bytes(range(256))


saying = threading.Lock()


def say(step, **more):
    with saying:
        print(json.dumps({"step": step, **more}), flush=True)


class Speaker:
    """What both have in common: last is the offset of the newest news."""

    def __init__(self, client):
        self.client, self.last = client, None
        client.on("news", self.news)

    def news(self, data, meta, *_):
        self.last = meta["offset"]
        if isinstance(data, bytes):
            data = {"bytes": data.hex()}
        say("heard", data=data, meta=meta)

    def registration(self):
        return (NAME,) if self.last is None else (NAME, {"since": self.last})


class Threads(Speaker):
    def __init__(self):
        super().__init__(socketio.Client(reconnection=False))

    def connect(self):
        self.client.connect(URL, transports=TRANSPORTS, wait_timeout=WAIT)
        say("registered", answer=self.client.call("f", self.registration(), timeout=WAIT), transport=self.client.transport())

    def emit(self, data):
        say("acked", answer=self.client.call("message", data, timeout=WAIT))

    def leave(self):
        self.client.disconnect()
        self.client.wait()
        say("left")

    def run(self):
        self.connect()
        for line in sys.stdin:
            obey(self, line)
        self.client.disconnect()


class Loop(Speaker):
    def __init__(self):
        super().__init__(socketio.AsyncClient(reconnection=False))

    async def connect(self):
        await self.client.connect(URL, transports=TRANSPORTS, wait_timeout=WAIT)
        answer = await self.client.call("f", self.registration(), timeout=WAIT)
        say("registered", answer=answer, transport=self.client.transport())

    async def emit(self, data):
        say("acked", answer=await self.client.call("message", data, timeout=WAIT))

    async def leave(self):
        await self.client.disconnect()
        await self.client.wait()
        say("left")

    async def work(self):
        await self.connect()
        while line := await asyncio.to_thread(sys.stdin.readline):
            await obey(self, line)
        await self.client.disconnect()

    def run(self):
        asyncio.run(self.work())


def obey(speaker, line):
    order, _, text = line.rstrip("\n").partition(" ")
    return {
        "say": lambda: speaker.emit(text),
        "bytes": lambda: speaker.emit(BYTES),
        "leave": speaker.leave,
        "back": speaker.connect,
    }[order]()


KIND, URL, TRANSPORT, NAME = sys.argv[1:]
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}[TRANSPORT]
{"threads": Threads, "asyncio": Loop}[KIND]().run()

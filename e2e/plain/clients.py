"""What the plain WebSocket endpoints do for python3-websockets, as Debian has it (10.4 and later with its classic API).

Run by python.test.js, after Crier was built; by hand: /usr/bin/python3 -m unittest clients.py
"""

import asyncio
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import websockets

CRIER = pathlib.Path(__file__).parents[2] / "bin" / "crier"
ENDPOINTS = ("echo", "hello", "chat", "news")
WAIT = 8  # seconds


# Below the ports that systems give to connections, so none of those can take one before Crier does. Processes with ids
# close together begin far apart, as in target.js.
PORTS = (10_000 + (os.getpid() * 12_361 + n) % 20_000 for n in itertools.count())


def free_port():
    for port in PORTS:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class PortTaken(AssertionError):
    pass


class Crier:
    """A server with each endpoint on a port of its own beside the routes; `at` has the addresses by name."""

    def __init__(self, **env):
        try:
            self.start(dict(env))
        except PortTaken:  # by another process, since it was found free
            self.start(dict(env))

    def start(self, env):
        port, ports = free_port(), {name: free_port() for name in ENDPOINTS}
        self.at = {"websocket": f"ws://127.0.0.1:{port}/websocket"}
        for name, own in ports.items():
            self.at[name] = f"ws://127.0.0.1:{port}/ws/{name}"
            self.at[name + "_port"] = f"ws://127.0.0.1:{own}"
            env[f"CRIER_{name.upper()}_ADDR"] = f"127.0.0.1:{own}"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CRIER_")}
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.environ.get("CRIER_BIN", CRIER)], stderr=self.log, env={**inherited, "CRIER_ADDR": f"127.0.0.1:{port}", "CRIER_DATA": "", **env}
        )
        self.await_ports([port, *ports.values()])

    def await_ports(self, ports):
        end = time.monotonic() + WAIT
        for port in ports:
            while "Crier is listening" not in self.logged() or not is_open(port):  # another process may have the port
                if self.process.poll() is not None or time.monotonic() > end:
                    taken = "address already in use" in self.logged()
                    raise (PortTaken if taken else AssertionError)("Crier did not start:\n" + self.logged())
                time.sleep(0.02)

    def logged(self):
        return os.pread(self.log.fileno(), 1 << 20, 0).decode()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(WAIT)
        self.log.close()


def by_hand(opcode, payload, fin=True, masked=True):
    """A frame that the library refuses to send. The mask is zeros."""
    head = bytes([(0x80 if fin else 0) | opcode, (0x80 if masked else 0) | len(payload)])
    return head + (bytes(4) if masked else b"") + payload


class Endpoints(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.crier = Crier(CRIER_ALLOWED_ORIGINS="https://listed.example")

    @classmethod
    def tearDownClass(cls):
        cls.crier.stop()

    def server(self, **env):
        crier = Crier(**env)
        self.addCleanup(crier.stop)
        return crier

    async def open(self, url, **options):
        """An open connection, which is cut when the test ends."""
        options = {"ping_interval": None, "compression": None, "max_size": None, **options}
        client = await asyncio.wait_for(websockets.connect(url, **options), WAIT)
        self.addAsyncCleanup(self.cut, client)
        return client

    async def cut(self, client):
        client.transport.abort()
        await client.wait_closed()

    async def hears(self, client, *wanted):
        for text in wanted:
            self.assertEqual(await asyncio.wait_for(client.recv(), WAIT), text)

    async def ends(self, client, code, reason, before=None):
        """Reads until the close frame; how many messages there were."""
        count = 0
        try:
            while True:
                message = await asyncio.wait_for(client.recv(), WAIT)
                count += 1
                if before is not None:
                    self.assertEqual(message, before)
        except websockets.ConnectionClosed as end:
            self.assertIsNotNone(end.rcvd, "no close frame came")
            self.assertEqual((end.rcvd.code, end.rcvd.reason), (code, reason))
        return count

    async def logs(self, crier, text):
        for _ in range(WAIT * 100):
            if text in crier.logged():
                return
            await asyncio.sleep(0.01)
        self.fail(f"{text} is not in the log:\n{crier.logged()}")

    def addresses(self, name):
        own = self.crier.at[name + "_port"]
        return [self.crier.at[name], own, own + "/", own + "/websocket", own + "/any/path?with=query"]

    async def test_echo(self):
        for url in self.addresses("echo"):
            client = await self.open(url)
            await client.send("hello, wörld 你好")
            await self.hears(client, "HELLO, WÖRLD 你好!!!")
            for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
                sent = os.urandom(size)
                await client.send(sent)
                await self.hears(client, sent)

    async def test_echo_takes_fragments(self):
        client = await self.open(self.crier.at["echo"])
        await client.send(["in ", "three ", "parts"])
        await self.hears(client, "IN THREE PARTS!!!")

    async def test_hello(self):
        for n, url in enumerate([*self.addresses("hello"), self.crier.at["websocket"]]):
            client = await self.open(url)
            await self.hears(client, "world")
            await client.send(f"good morning no. {n}")
            await self.logs(self.crier, f"good morning no. {n}")

    async def test_chat(self):
        crier = self.server()
        one = await self.open(crier.at["chat"])
        await one.send("first")
        await self.hears(one, "1说: first")
        two = await self.open(crier.at["chat_port"] + "/anywhere")
        await two.send("second")
        for client in (one, two):
            await self.hears(client, "2说: second")
        await two.close()
        await self.logs(crier, "离开")

    async def test_chat_is_heard_in_one_order(self):
        crier = self.server()
        clients = [await self.open(crier.at["chat"]) for _ in range(5)]
        for client in clients:
            await client.send("ping")
            await self.hears(client, "pong")

        async def talk(client):
            for n in range(60):
                await client.send(f"text {n}")

        async def listen(client):
            return [await asyncio.wait_for(client.recv(), WAIT) for _ in range(5 * 60)]

        heard, *others = (await asyncio.gather(*map(listen, clients), *map(talk, clients)))[:5]
        for other in others:
            self.assertEqual(other, heard)
        self.assertEqual(sorted(heard), sorted(f"{i}说: text {n}" for i in range(1, 6) for n in range(60)))

    async def test_news(self):
        ann, bob = [await self.open(self.crier.at[where]) for where in ("news", "news_port")]
        answers = []
        for client, name in ((ann, "Ann"), (bob, "Bob")):
            await client.send(json.dumps({"type": "f", "speaker": name, "ref": name}))
            answers.append(json.loads(await client.recv()))
            self.assertEqual({k: answers[-1][k] for k in ("type", "for", "ref", "name")}, {"type": "ack", "for": "f", "ref": name, "name": name})
        await ann.send(json.dumps({"type": "message", "data": ["说", 1, None], "ref": 7}))
        taken = json.loads(await ann.recv())
        self.assertEqual(taken, {"type": "ack", "for": "message", "ref": 7, "at": taken["at"], "offset": taken["offset"]})
        for client in (ann, bob):
            news = json.loads(await client.recv())
            self.assertEqual(news, {"type": "news", "data": ["说", 1, None], "from": "Ann", "id": answers[0]["id"], "at": taken["at"], "offset": taken["offset"]})
        await bob.send("not JSON")
        self.assertEqual(json.loads(await bob.recv())["error"]["code"], "bad_json")

    async def test_ping_and_stop(self):
        for name in ENDPOINTS:
            for url in (self.crier.at[name], self.crier.at[name + "_port"]):
                client = await self.open(url)
                if name == "hello":
                    await self.hears(client, "world")
                await client.send("ping")
                await self.hears(client, "pong")
                await asyncio.wait_for(await client.ping("are you there?"), WAIT)
                asked = time.monotonic()
                await client.send("stop")
                await self.ends(client, 1000, "stopped as asked")
                await client.wait_closed()
                self.assertLess(time.monotonic() - asked, 1, "the end took its time")

    async def test_pings_are_sent(self):
        crier = self.server(CRIER_PING_INTERVAL="100ms", CRIER_PING_TIMEOUT="2s")

        class Counting(websockets.WebSocketClientProtocol):
            answered = 0

            async def pong(self, data=b""):
                await super().pong(data)
                self.answered += 1

        for name in ENDPOINTS:
            client = await self.open(crier.at[name], create_protocol=Counting)
            end = time.monotonic() + WAIT
            while client.answered < 5 and time.monotonic() < end:
                await asyncio.sleep(0.01)
            self.assertGreaterEqual(client.answered, 5)
            await client.send("stop")
            await self.ends(client, 1000, "stopped as asked")

    async def test_subprotocol(self):
        for name in ENDPOINTS:
            own = "crier.v1.json" if name == "news" else "crier.v1.text"
            for url in (self.crier.at[name], self.crier.at[name + "_port"]):
                client = await self.open(url, subprotocols=["soap", own])
                self.assertEqual(client.subprotocol, own)
                self.assertIsNone((await self.open(url)).subprotocol)

    async def test_compression_of_the_client_is_taken(self):
        crier = self.server(CRIER_WEBSOCKET_COMPRESSION="true")
        client = await self.open(crier.at["echo"], compression="deflate")
        self.assertTrue(client.extensions)
        await client.send("x" * 100_000)
        await self.hears(client, "X" * 100_000 + "!!!")

    async def test_1000_answers_the_client_with_its_own_words(self):
        for code, reason in ((1000, "work is done"), (4001, "再见"), (3000, "")):
            client = await self.open(self.crier.at["echo"])
            await client.close(code, reason)
            self.assertEqual((client.close_rcvd.code, client.close_rcvd.reason), (code, reason))

    async def test_1001_and_1012_when_the_server_is_told_to_go(self):
        for how, code, reason in ((signal.SIGTERM, 1001, "server going away"), (signal.SIGUSR2, 1012, "server restarting")):
            crier = Crier()
            clients = [await self.open(crier.at[name]) for name in ENDPOINTS]
            for client in clients:  # the answer says that it is let in
                await client.send("ping")
                await client.recv()
            stopped = asyncio.get_running_loop().run_in_executor(None, crier.stop, how)
            for name, client in zip(ENDPOINTS, clients):
                await self.ends(client, code, reason, before="pong" if name == "hello" else None)
            await stopped

    async def test_1002_for_a_breach_of_the_protocol(self):
        for sent, reason in (
            (by_hand(1, b"not masked", masked=False), "frames from client to server must be masked"),
            (bytes.fromhex("82ff800000000000000000000000"), "a length of 2^63 bytes or more"),
            (by_hand(0, b"of nothing"), "unexpected continuation data frame"),
        ):
            client = await self.open(self.crier.at["echo"])
            client.transport.write(sent)
            await self.ends(client, 1002, reason)

    async def test_1003_for_binary_where_only_text_is_taken(self):
        for name in ("chat_port", "news"):
            client = await self.open(self.crier.at[name])
            await client.send(b"\0")
            await self.ends(client, 1003, "this endpoint takes text only")

    async def test_1007_for_text_that_is_not_utf8(self):
        client = await self.open(self.crier.at["chat"])
        client.transport.write(by_hand(1, b"caf\xc3", fin=False) + by_hand(0, b"e"))
        await self.ends(client, 1007, "text that is not UTF-8")

    async def test_1008_for_a_foreign_origin(self):
        for url in self.crier.at.values():
            client = await self.open(url, origin="http://localhost:1")
            await self.ends(client, 1008, "Forbidden: pages of this origin are not allowed here")
        client = await self.open(self.crier.at["echo_port"], origin="https://listed.example")
        await client.send("in")
        await self.hears(client, "IN!!!")

    async def test_1008_for_too_many_messages(self):
        client = await self.open(self.crier.at["echo"])
        client.transport.write(by_hand(1, b"quick") * 2_000)
        self.assertGreaterEqual(await self.ends(client, 1008, "too many messages in a second", before="QUICK!!!"), 400)

    async def test_1009_for_a_message_that_is_too_big(self):
        client = await self.open(self.crier.at["news_port"])
        await client.send("x" * 1_000_001)
        await self.ends(client, 1009, "a message of more than 1000000 bytes")

    async def test_1013_for_too_many_connections(self):
        crier = self.server(CRIER_MAX_PLAIN="1")
        first = await self.open(crier.at["echo"])
        await self.ends(await self.open(crier.at["chat_port"]), 1013, "too many connections")
        await first.send("still here")
        await self.hears(first, "STILL HERE!!!")

    async def test_1013_for_a_stalled_reader(self):
        crier = self.server(CRIER_MAX_QUEUE="512KiB", CRIER_MAX_PLAIN_RATE="100000")
        client = await self.open(crier.at["echo"], max_queue=1)
        for _ in range(2_000):  # 32 MB: far more than the kernel's buffers hold
            await client.send(b"x" * 16_000)
        count = await self.ends(client, 1013, "slow consumer", before=b"x" * 16_000)
        self.assertTrue(0 < count < 2_000, f"{count} came back")


if __name__ == "__main__":
    unittest.main()

"use strict";

// The laboratory on npm's socket.io: handlers that let a test see a server from inside.
// lab/main.go is its twin on Crier's own library; a test must not be able to tell them apart.
// Settings, all in milliseconds or bytes: LAB_PING_INTERVAL, LAB_PING_TIMEOUT, LAB_UPGRADE_TIMEOUT,
// LAB_CONNECT_TIMEOUT, LAB_MAX_PAYLOAD, LAB_RECOVERY (how long a lost session may come back; empty: never); and
// LAB_EIO3 ("off"), LAB_DEFLATE ("on"), LAB_ALLOWED_ORIGINS.
// Beside Socket.IO it has, at /engine.io/, a bare Engine.IO that sends back each message.
// The address goes to standard output as one line; the end of standard input ends the process.

const { createServer } = require("node:http");
const { attach } = require("engine.io");
const { Server } = require("socket.io");
const { originRules } = require("./origins");

const number = (name, fallback) => Number(process.env[name] || fallback);

const httpServer = createServer({ keepAliveTimeout: 120_000 }); // the default cuts a connection that a poll is about to use
const engineOptions = {
  allowEIO3: process.env.LAB_EIO3 !== "off",
  perMessageDeflate: process.env.LAB_DEFLATE === "on",
  pingInterval: number("LAB_PING_INTERVAL", 25000),
  pingTimeout: number("LAB_PING_TIMEOUT", 20000),
  upgradeTimeout: number("LAB_UPGRADE_TIMEOUT", 10000),
  maxHttpBufferSize: number("LAB_MAX_PAYLOAD", 1e6),
  ...originRules(process.env.LAB_ALLOWED_ORIGINS),
};
const io = new Server(httpServer, {
  ...engineOptions,
  connectTimeout: number("LAB_CONNECT_TIMEOUT", 45000),
  ...(process.env.LAB_RECOVERY && {
    connectionStateRecovery: { maxDisconnectionDuration: number("LAB_RECOVERY") },
  }),
});
attach(httpServer, { ...engineOptions, path: "/engine.io", destroyUpgrade: false }).on("connection", (session) =>
  session.on("data", (message) => session.send(message)),
);

// How sockets ended, by the tag in their query: an ending that is asked for before it happens is waited for.
class Journal {
  #endings = new Map();

  #of(tag) {
    if (!this.#endings.has(tag)) {
      const entry = {};
      entry.ended = new Promise((resolve) => (entry.end = resolve));
      this.#endings.set(tag, entry);
    }
    return this.#endings.get(tag);
  }

  watch(socket) {
    const { tag } = socket.handshake.query;
    if (!tag) return;
    const entry = this.#of(tag);
    socket.on("disconnecting", () => (entry.rooms = othersThan(socket)));
    socket.on("disconnect", (reason) => entry.end({ reason, rooms: entry.rooms, left: othersThan(socket) }));
  }

  ended(tag) {
    return this.#of(tag).ended;
  }
}

const othersThan = (socket) => [...socket.rooms].filter((room) => room !== socket.id).sort();
const journal = new Journal();

function echo(socket) {
  socket.on("echo", (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : null;
    if (ack) ack(...args);
    else socket.emit("echo", ...args);
  });
}

function order(socket) {
  const seen = [];
  socket.on("record", (n) => seen.push(n));
  socket.on("recorded", (ack) => ack(seen));
  socket.on("burst", (room, n, ack) => {
    for (let i = 0; i < n; i++) io.to(room).emit("tick", i);
    ack();
  });
}

function questions(socket) {
  socket.on("question", (ms, ack) => {
    socket.timeout(ms).emit("question", "how many?", (error, ...answer) => {
      ack(error ? { error: "timeout" } : { answer });
    });
  });
  socket.on("poll", (room, ms, ack) => {
    io.to(room)
      .timeout(ms)
      .emit("question", "how many?", (error, answers) => {
        ack({ answers: answers || [], complete: !error });
      });
  });
}

function rooms(socket) {
  socket.on("join", (room, ack) => (socket.join(room), ack()));
  socket.on("leave", (room, ack) => (socket.leave(room), ack()));
  socket.on("rooms", (ack) => ack(othersThan(socket)));
  socket.on("say", (how, event, ...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : () => {};
    audience(socket, how).emit(event, ...args);
    ack();
  });
}

// how: {everyone: the sender too, to: rooms, except: rooms, local, volatile, compress: false}
function audience(socket, how) {
  let to = how.everyone ? io.except([]) : socket.broadcast;
  if (how.to) to = to.to(how.to);
  if (how.except) to = to.except(how.except);
  if (how.local) to = to.local;
  if (how.volatile) to = to.volatile;
  return "compress" in how ? to.compress(how.compress) : to;
}

function endings(socket) {
  socket.on("kick", (closeSession) => socket.disconnect(closeSession));
  socket.on("kick room", (room, closeSession) => io.in(room).disconnectSockets(closeSession));
}

function facts(socket) {
  socket.on("handshake", (ack) => ack(handshake(socket)));
  socket.on("keep", (value, ack) => ((socket.data.kept = value), ack()));
  socket.on("kept", (ack) => ack(socket.data.kept));
  socket.on("recovered", (ack) => ack(socket.recovered));
  socket.on("transport", (ack) => ack(socket.conn.transport.name));
  socket.on("reserved", (event, ack) => {
    try {
      socket.emit(event);
      ack(null);
    } catch (error) {
      ack(error.message);
    }
  });
}

function handshake(socket) {
  const { headers, query, auth, address, secure, xdomain, url, issued } = socket.handshake;
  const { colour, EIO } = query;
  return { header: headers["x-lab"], query: { colour, EIO }, auth, address, secure, xdomain, url, issued };
}

io.use((socket, next) => {
  if (!("refuse" in socket.handshake.query)) return next();
  next(Object.assign(new Error("refused at the door"), { data: { code: "E_DOOR", retry: false } }));
});

io.on("connection", (socket) => {
  journal.watch(socket);
  for (const wire of [echo, order, questions, rooms, endings, facts]) wire(socket);
  socket.emit("hello", "from the connect handler");
});

function greet(socket) {
  echo(socket);
  endings(socket);
  socket.emit("welcome", socket.nsp.name);
}

io.of("/static").on("connection", greet);
io.of(/^\/dynamic-\d+$/).on("connection", greet);
io.of((name, auth, decide) => decide(null, name.startsWith("/by-function/") && auth.token === "sesame")).on(
  "connection",
  greet,
);

const guarded = io.of("/guarded");
guarded.use((socket, next) => ((socket.data.path = ["first"]), next()));
guarded.use((socket, next) => {
  if (socket.handshake.auth.token === "sesame") return (socket.data.path.push("second"), next());
  next(Object.assign(new Error("not allowed"), { data: { code: "E_TOKEN", retry: false } }));
});
guarded.on("connection", (socket) => socket.emit("welcome", socket.nsp.name, socket.data.path));

io.of("/plainly-guarded").use((socket, next) => next(new Error("not today")));

io.of("/journal").on("connection", (socket) => {
  socket.on("ending", (tag, ack) => journal.ended(tag).then(ack));
});

httpServer.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${httpServer.address().port}`));
const stop = () => io.close(() => process.exit(0));
process.on("SIGTERM", stop);
process.stdin.on("end", () => process.exit(0)).resume();

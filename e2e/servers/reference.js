"use strict";

// The product's events on npm's socket.io: what Crier promises, said by the reference server.
// Settings: CRIER_ADDR (host:port), CRIER_ALLOWED_ORIGINS (comma-separated).

const { randomBytes } = require("node:crypto");
const { createReadStream, existsSync, statSync } = require("node:fs");
const { createServer } = require("node:http");
const path = require("node:path");
const { Server } = require("socket.io");
const { originRules } = require("./origins");

const SPEAKERS = "speakers";
const FIRST_NAMES = 100;
const PUBLIC = path.join(__dirname, "..", "..", "public");
const OLD_CLIENT = require.resolve("socket.io-client-2.5.0/dist/socket.io.js");
const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml" };

function serve(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/healthz" || pathname === "/readyz") return response.end("ok");
  const file = path.join(PUBLIC, pathname.endsWith("/") ? pathname + "index.html" : pathname);
  if (!file.startsWith(PUBLIC + path.sep) || !existsSync(file) || !statSync(file).isFile()) {
    return response.writeHead(404).end();
  }
  send(response, file);
}

function send(response, file) {
  const type = TYPES[path.extname(file)] || "application/octet-stream";
  response.writeHead(200, { "Content-Type": `${type}; charset=utf-8` });
  createReadStream(file).pipe(response);
}

// The engine answers everything below its path; this one file of it is asked for before.
function serveOldClient(httpServer) {
  const [engine] = httpServer.listeners("request");
  httpServer.removeAllListeners("request");
  httpServer.on("request", (request, response) => {
    if (request.url.split("?")[0] === "/socket.io/2/socket.io.js") return send(response, OLD_CLIENT);
    engine.call(httpServer, request, response);
  });
}

function checkName(name) {
  const trimmed = typeof name === "string" ? name.trim() : "";
  const length = [...trimmed].length;
  const good = length >= 1 && length <= 64 && !/[\u0000-\u001f\u007f-\u009f]/.test(trimmed);
  return good ? trimmed : null;
}

// Splits what an event brought into its arguments and its ack; without one, the answer goes nowhere.
const withAck = (args) => (typeof args.at(-1) === "function" ? [args.slice(0, -1), args.at(-1)] : [args, () => {}]);

function register(io, socket, [name], reply) {
  const good = checkName(name);
  if (good === null) {
    return reply({
      error: { code: "bad_name", message: "a name has 1 to 64 characters, none of them control characters" },
    });
  }
  socket.data.name = good;
  socket.join(SPEAKERS);
  reply(presence(io, socket));
}

function presence(io, socket) {
  const members = [...(io.sockets.adapter.rooms.get(SPEAKERS) || [])];
  const names = members.slice(0, FIRST_NAMES).map((id) => io.sockets.sockets.get(id).data.name);
  return { name: socket.data.name, id: socket.data.publicId, count: members.length, names };
}

function pass(io, socket, args, ack) {
  if (args.length === 0) return ack({ error: { code: "bad_message", message: "a message needs data" } });
  const at = Date.now();
  ack({ at });
  io.to(SPEAKERS).emit("news", args[0], { from: socket.data.name || "", id: socket.data.publicId, at });
}

const httpServer = createServer({ keepAliveTimeout: 120_000 }, serve);
const io = new Server(httpServer, {
  allowEIO3: true,
  connectionStateRecovery: {},
  ...originRules(process.env.CRIER_ALLOWED_ORIGINS),
});
serveOldClient(httpServer);

io.on("connection", (socket) => {
  socket.data.publicId ??= randomBytes(12).toString("base64url"); // a recovered socket has one
  socket.on("f", (...args) => register(io, socket, ...withAck(args)));
  socket.on("message", (...args) => pass(io, socket, ...withAck(args)));
});

const [host, port] = process.env.CRIER_ADDR.split(":");
httpServer.listen(Number(port), host, () => console.log(`listening on ${host}:${port}`));
process.on("SIGTERM", () => io.close(() => process.exit(0)));

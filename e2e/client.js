"use strict";

// socket.io-client of every major version behind the few words that the tests need.

const { TARGET, within } = require("./target");

const CLIENTS = Object.fromEntries(
  ["1.7.4", "2.5.0", "3.1.3", "4.8.4"].map((version) => [version, require(`socket.io-client-${version}`)]),
);

// The same with socket.io-msgpack-parser. The reference serves clients with that parser or with its own, not both.
const MSGPACK = {
  "2.5.0 msgpack": withParser("2.5.0", require("socket.io-msgpack-parser-2.2.1"), { parser: "msgpack" }),
  "4.8.4 msgpack": withParser("4.8.4", require("socket.io-msgpack-parser")),
};
if (TARGET === "crier") Object.assign(CLIENTS, MSGPACK);

function withParser(version, parser, query = {}) {
  return (url, options) => CLIENTS[version](url, { ...options, parser, query: { ...options.query, ...query } });
}

// E2E_CLIENTS=few has one client for each version of the protocol.
const FEW = process.env.E2E_CLIENTS === "few";
const VERSIONS = FEW ? ["2.5.0", "4.8.4"] : Object.keys(CLIENTS);
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const WAIT_MS = 8_000;

const COMBINATIONS = VERSIONS.flatMap((version) =>
  Object.keys(TRANSPORTS).map((transport) => ({ version, transport })),
);

// A client of each version of the protocol, over each transport: for what does not depend on more.
const BOTH = COMBINATIONS.filter(({ version, transport }) => ["2.5.0", "4.8.4"].includes(version) && transport !== "upgrade");

// Clients before 3 speak Engine.IO 3 and have no auth: what they want to say goes into the query.
const isOld = (version) => version < "3";

// Those with socket.io-msgpack-parser. Its 2.x knows refusals that are text alone.
const isMsgpack = (version) => version.endsWith("msgpack");

// Makes a socket that is closed when the test ends. `how` has version, transport and optionally
// namespace, auth and whatever the client itself takes.
function open(t, server, how) {
  const { version, transport, namespace = "/", auth, ...rest } = how;
  const options = { forceNew: true, reconnection: false, transports: TRANSPORTS[transport], ...rest };
  if (auth && isOld(version)) options.query = { ...options.query, ...auth };
  else if (auth) options.auth = auth;
  const socket = CLIENTS[version](server.url + namespace, options);
  socket.version = version;
  socket.heard = hearing(socket);
  t.after(() => close(socket));
  return socket;
}

function close(socket) {
  socket.io.reconnection(false);
  socket.close();
  if (socket.io.engine) socket.io.engine.close();
}

// Collects each event from the first moment, so that no test can miss one that comes early.
function hearing(socket) {
  const heard = new Map();
  return (event) => {
    if (!heard.has(event)) {
      const list = [];
      heard.set(event, list);
      socket.on(event, (...args) => list.push(args));
    }
    return heard.get(event);
  };
}

// A connected socket; with "upgrade" it is on WebSocket already unless `early` asks for the time before.
async function connect(t, server, how) {
  const { early, ...rest } = how;
  const socket = open(t, server, rest);
  const upgrade = how.transport === "upgrade" ? upgraded(socket) : undefined;
  upgrade?.catch(() => {});
  await connected(socket);
  if (upgrade && !early) await upgrade;
  return socket;
}

// The end of a handshake: the promise fails with what the client says when it fails.
function connected(socket) {
  return settle(`${socket.version} connects`, (resolve, reject) => {
    if (socket.connected) return resolve(socket);
    socket.once("connect", () => resolve(socket));
    for (const event of ["connect_error", "error"])
      socket.once(event, (error) => reject(new Error(`${event}: ${error?.message || error}`)));
  });
}

function upgraded(socket) {
  return settle(`${socket.version} upgrades`, (resolve) => {
    const watch = () => {
      const { engine } = socket.io;
      if (!engine) return setImmediate(watch);
      if (engine.transport?.name === "websocket") return resolve();
      engine.once("upgrade", () => resolve());
    };
    watch();
  });
}

// Why a namespace was refused: {message, data}. Old clients hear "error" with the data, or else the message.
function refused(socket) {
  return settle(`${socket.version} is refused`, (resolve, reject) => {
    socket.once("connect", () => reject(new Error("connected, though it should have been refused")));
    if (isOld(socket.version)) socket.once("error", (data) => resolve(data));
    else socket.once("connect_error", ({ message, data }) => resolve({ message, data }));
  });
}

// The next time that an event comes: its arguments.
function next(socket, event) {
  return settle(`${socket.version} hears ${event}`, (resolve) => socket.once(event, (...args) => resolve(args)));
}

// An emit that waits for the ack: its arguments.
function ask(socket, event, ...args) {
  return settle(`${socket.version} has an ack of ${event}`, (resolve) =>
    socket.emit(event, ...args, (...answer) => resolve(answer)),
  );
}

// Waits until `count` events were heard; answers with all of them.
function heard(socket, event, count) {
  const list = socket.heard(event);
  return settle(
    () => `${socket.version} hears ${count} ${event} (heard ${list.length})`,
    (resolve) => {
      const look = () => list.length >= count && (socket.off(event, look), resolve(list));
      socket.on(event, look);
      look();
    },
  );
}

// Reconnection is told by the socket in old clients, by its manager in new ones.
function reconnected(socket) {
  return settle(`${socket.version} reconnects`, (resolve) => {
    (isOld(socket.version) ? socket : socket.io).once("reconnect", () => {
      if (socket.connected) resolve();
      else socket.once("connect", () => resolve());
    });
  });
}

// A promise that fails after a while with what it waited for. When the test has failed before, nobody asks for it any more.
function settle(what, executor) {
  const words = typeof what === "function" ? what : () => what;
  const settled = within(WAIT_MS, new Promise(executor), () => `waited ${WAIT_MS} ms: ${words()}`);
  settled.catch(() => {});
  return settled;
}

// Binary arrives as a Buffer, an ArrayBuffer or a view, by version and transport; the bytes are what counts.
function bytes(value) {
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.from(value);
}

module.exports = {
  BOTH,
  CLIENTS,
  COMBINATIONS,
  FEW,
  MSGPACK,
  TRANSPORTS,
  VERSIONS,
  ask,
  bytes,
  connect,
  connected,
  heard,
  isMsgpack,
  isOld,
  next,
  open,
  reconnected,
  refused,
  settle,
  upgraded,
};

"use strict";

// The product's events and its feed on npm's socket.io and ws: by it the soak is tested, which must find nothing here, and
// something when FLAW names a law to break.
// Settings: CRIER_ADDR (host:port), CRIER_DATA (a folder), FLAW.

const { randomBytes } = require("node:crypto");
const { appendFileSync, existsSync, mkdirSync, readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const path = require("node:path");
const { Server } = require("socket.io");
const { WebSocketServer } = require("ws");

const SPEAKERS = "speakers";
const { FLAW } = process.env;
const FLAWS = {
  "acknowledges before it stores": "early",
  "stores what is said again": "again",
  "begins to catch up one too late": "gap",
  "begins to catch up one too early": "seam",
  "lets a message overtake another": "overtakes",
};
if (FLAW && !FLAWS[FLAW]) throw new Error(`FLAW is ${FLAW}; it is one of: ${Object.keys(FLAWS).join("; ")}`);
const flawed = (word) => FLAWS[FLAW] === word;
const FORGETFUL_MS = 300;
const SYNC_MS = 5;

const file = path.join(process.env.CRIER_DATA, "feed.jsonl");
mkdirSync(process.env.CRIER_DATA, { recursive: true });
const entries = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)) : [];
const keys = new Map(entries.filter(({ key }) => key).map((entry) => [entry.key, entry]));
let published = entries.length; // the newest offset that was told to anybody

// What was stored is acknowledged and told a little later, as where many messages share a sync.
const waiting = [];
function afterSync(action) {
  waiting.push(action);
  if (waiting.length === 1) setTimeout(() => waiting.splice(0).forEach((act) => act()), SYNC_MS);
}

// A write that was handed to the kernel outlives this process, and no more is asked of it.
function store(entry) {
  entries.push(entry);
  if (entry.key) keys.set(entry.key, entry);
  const write = () => appendFileSync(file, JSON.stringify(entry) + "\n");
  if (flawed("early")) setTimeout(write, FORGETFUL_MS);
  else write();
}

const shown = ({ data, from, id, at, offset }) => ({ data, from, id, at, offset });
const meta = ({ from, id, at, offset }) => ({ from, id, at, offset });

// What both doors have in common. A person is {id, name, registered, hear(entry), join()}.
function register(person, name, { since, history } = {}) {
  person.name = name;
  const answer = { name, id: person.id, count: 1, names: [name], offset: published };
  if (since !== undefined) answer.complete = since <= published;
  const from = (since ?? Math.max(0, published - (history || 0))) + (flawed("gap") ? 1 : flawed("seam") ? -1 : 0);
  const missed = person.registered ? [] : entries.slice(Math.max(0, from), published);
  return { answer, after: () => (missed.forEach((entry) => person.hear(entry)), person.join()) };
}

function say(person, data, { id } = {}, acknowledge) {
  const key = id === undefined ? undefined : JSON.stringify([person.name || person.id, id]);
  const known = flawed("again") ? undefined : keys.get(key);
  if (known) return afterSync(() => acknowledge({ offset: known.offset, at: known.at }));
  const entry = { offset: entries.length + 1, at: Date.now(), from: person.name || "", id: person.id, key, data };
  store(entry);
  afterSync(() => {
    published = entry.offset;
    acknowledge({ offset: entry.offset, at: entry.at });
    io.to(SPEAKERS).emit("news", data, meta(entry));
    for (const guest of guests) guest.hear(entry);
  });
}

function page({ before = Infinity, limit = 50 } = {}) {
  const older = entries.filter(({ offset }) => offset < before);
  return { entries: older.slice(-limit).map(shown), first: 1 };
}

let kept;
// Every fifth message waits for the next one, of whomever it is.
function overtaken(action) {
  if (!kept && entries.length % 5 === 4) return (kept = action), setTimeout(() => kept === action && ((kept = undefined), action()), 20);
  action();
  if (kept) [kept, action] = [undefined, kept], action();
}
const inTurn = flawed("overtakes") ? overtaken : (action) => action();

const httpServer = createServer();
const heartbeat = { pingInterval: 3_000, pingTimeout: 5_000 };
const io = new Server(httpServer, { allowEIO3: true, destroyUpgrade: false, connectionStateRecovery: {}, ...heartbeat });

io.on("connection", (socket) => {
  socket.data.id ??= randomBytes(12).toString("base64url");
  socket.data.name ??= socket.handshake.auth.name;
  const person = {
    id: socket.data.id,
    name: socket.data.name,
    registered: socket.rooms.has(SPEAKERS),
    // Through the adapter, which records it for those who come back.
    hear: (entry) => io.to(socket.id).emit("news", entry.data, meta(entry)),
    join: () => ((person.registered = true), socket.join(SPEAKERS)),
  };
  socket.on("f", (name, wish, ack) => {
    const { answer, after } = register(person, (socket.data.name = name), wish);
    ack(answer);
    after();
  });
  socket.on("message", (data, wish, ack) => inTurn(() => say(person, data, wish, ack)));
  socket.on("history", (wish, ack) => ack(page(wish)));
});

const guests = new Set();
const doors = new WebSocketServer({ noServer: true });
httpServer.on("upgrade", (request, socket, head) => {
  if (request.url === "/ws/news") doors.handleUpgrade(request, socket, head, welcome);
});

function welcome(socket) {
  const send = (message) => socket.send(JSON.stringify(message));
  const person = {
    id: randomBytes(12).toString("base64url"),
    hear: (entry) => send({ type: "news", ...shown(entry) }),
    join: () => ((person.registered = true), guests.add(person)),
  };
  socket.on("error", () => {}).on("close", () => guests.delete(person));
  socket.on("message", (bytes) => {
    const { type, ref, speaker, data, ...wish } = JSON.parse(bytes);
    const acknowledge = (answer) => send({ type: "ack", for: type, ref, ...answer });
    if (type === "message") return inTurn(() => say(person, data, wish, acknowledge));
    const { answer, after } = register(person, speaker, wish);
    acknowledge(answer);
    after();
  });
}

const [host, port] = process.env.CRIER_ADDR.split(":");
httpServer.listen(Number(port), host, () => console.log(`listening on ${host}:${port}`));
process.on("SIGTERM", () => {
  for (const socket of doors.clients) socket.close(1001);
  io.close(() => process.exit(0));
});

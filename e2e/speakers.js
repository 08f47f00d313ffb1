"use strict";

// Speakers of the product and its feed, which the reference has not.

const { BOTH, ask, connect } = require("./client");
const { everyClient, promise } = require("./suite");
const { TARGET } = require("./target");

const onCrier = TARGET === "crier" ? promise : () => {};
const eachClient = TARGET === "crier" ? everyClient : () => {};
const bothClients = (name, body, options) => eachClient(name, body, { of: BOTH, ...options });

const upTo = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
const offsets = (list) => list.map(([, meta]) => meta.offset);
const texts = (list) => list.map(([data]) => data);

// A socket that is registered with these arguments of f; its `answer` is f's.
async function registered(t, server, how, ...args) {
  const socket = await connect(t, server, how);
  socket.heard("news");
  const [answer] = await ask(socket, "f", ...args);
  return Object.assign(socket, { answer });
}

// What is answered to a message.
async function say(socket, data, options) {
  const [answer] = await ask(socket, "message", data, options);
  return answer;
}

module.exports = { bothClients, eachClient, offsets, onCrier, registered, say, texts, upTo };

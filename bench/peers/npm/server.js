"use strict";
// npm's socket.io with its defaults (its WebSocket engine is ws), doing what Crier's handlers do.

const http = require("node:http");
const { Server } = require("socket.io");

const room = "speakers";
const [host, port] = process.env.ADDR.split(":");

const server = http.createServer();
const io = new Server(server, { serveClient: false });

let registered = 0;

io.on("connection", (socket) => {
  let name;

  socket.on("f", (wish, ack) => {
    if (name === undefined) {
      registered++;
    }
    name = wish;
    socket.join(room);
    ack?.({ name, id: socket.id, count: registered });
  });

  socket.on("message", (data, ack) => {
    const at = Date.now();
    ack?.({ at });
    io.to(room).emit("news", data, { from: name, id: socket.id, at });
  });

  socket.on("disconnect", () => {
    if (name !== undefined) {
      registered--;
    }
  });
});

server.listen(Number(port), host);

"use strict";

// A proxy in front of a server, that changes what a test wants changed.

const http = require("node:http");

// `prefix` is a path that it strips; `headers` makes others of a request's headers. Answers with its {port, url}.
async function openProxy(t, server, { prefix = "", headers = (given) => given } = {}) {
  const passed = (request) => ({
    host: "127.0.0.1",
    port: server.port,
    method: request.method,
    path: request.url.slice(prefix.length) || "/",
    headers: headers({ ...request.headers }),
  });
  const known = (request) => request.url.startsWith(prefix + "/");
  const proxy = http.createServer((request, response) => {
    if (!known(request)) return response.writeHead(404).end("not below the prefix");
    const onward = http.request(passed(request), (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  proxy.on("upgrade", (request, near) => {
    near.on("error", () => {});
    if (!known(request)) return near.destroy();
    const onward = http.request(passed(request));
    onward.on("error", () => near.destroy());
    onward.on("response", (answer) => {
      near.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nConnection: close\r\n\r\n`);
      answer.pipe(near);
    });
    onward.on("upgrade", (answer, far) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      near.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
      far.on("error", () => near.destroy());
      far.on("close", () => near.destroy());
      near.on("close", () => far.destroy());
      far.pipe(near).pipe(far);
    });
    onward.end();
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address();
  return { port, url: `http://127.0.0.1:${port}${prefix}` };
}

module.exports = { openProxy };

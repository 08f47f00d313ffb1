"use strict";

// The whole feed, page by page backwards, as any client may read it.

const { CLIENTS } = require("../client");
const { within } = require("../target");
const { brief } = require("./record");

const PAGE = 100;
const PAGE_MS = 15_000;

async function readFeed(url) {
  const socket = CLIENTS["4.8.4"](url, { forceNew: true, transports: ["websocket"] });
  try {
    const pages = [];
    for (let before; ; ) {
      const { entries, first } = await page(socket, { before, limit: PAGE });
      pages.unshift(entries.map(({ data, offset, from, id, at }) => ({ offset, from, id, at, data: brief(data) })));
      if (entries.length === 0 || entries[0].offset <= first) return pages.flat();
      const newest = entries.at(-1).offset;
      if (newest >= before) throw new Error(`the page of history before ${before} ends with ${newest}`);
      before = entries[0].offset;
    }
  } finally {
    socket.close();
  }
}

async function page(socket, wish) {
  const asked = new Promise((resolve) => socket.emit("history", wish, resolve));
  const what = `history ${JSON.stringify(wish)}`;
  const answer = await within(PAGE_MS, asked, () => `${what} is not answered within ${PAGE_MS} ms`);
  if (!Array.isArray(answer?.entries)) throw new Error(`${what} is answered with ${JSON.stringify(answer)}`);
  return answer;
}

module.exports = { readFeed };

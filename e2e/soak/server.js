"use strict";

// The server of a run: killed, drained and started again on the same data and the same port.

const { appendFileSync, existsSync, readdirSync } = require("node:fs");
const path = require("node:path");
const { freePort, startFeed, within } = require("../target");

const DRAIN_MS = 10_000;
const STARTS = 20;
const START_PAUSE_MS = 250;

// Some old clients hang when their line is cut at the wrong moment of an upgrade, until a heartbeat is missing.
const HEARTBEAT = { CRIER_PING_INTERVAL: "3s", CRIER_PING_TIMEOUT: "5s" };

// What no log of a server may have, whatever is done to it: SIGKILL damages no file, and frees every lock.
const ALARMS = [/panic:/, /DATA RACE/, /fatal error/, /damaged/];

class Server {
  findings = [];
  counts = { kills: 0, drains: 0 };
  #life;

  constructor({ folder, env }) {
    this.folder = folder;
    this.env = { CRIER_DATA: path.join(folder, "data"), CRIER_DRAIN_TIMEOUT: "2s", ...HEARTBEAT, ...env };
  }

  async start() {
    this.ownPort ??= await freePort();
    for (let left = STARTS; ; left--) {
      try {
        this.#life = await startFeed(this.env, this.ownPort);
        break;
      } catch (error) {
        // Somebody's outgoing connection may have the port for the moment.
        if (left === 0 || !/address already in use|EADDRINUSE/.test(error.message)) throw error;
        await new Promise((resolve) => setTimeout(resolve, START_PAUSE_MS));
      }
    }
    this.#watch(this.#life);
    this.port = this.ownPort;
    this.url = this.#life.url;
  }

  #watch(life) {
    life.ended.then((how) => {
      if (!life.expected) this.#find(`it ended by itself (${how}):\n${life.log().slice(-2_000)}`);
      appendFileSync(path.join(this.folder, "server.log"), `${life.log()}\n-- ended: ${how}\n`);
      for (const alarm of ALARMS) {
        const line = life.log().split("\n").find((text) => alarm.test(text));
        if (line) this.#find(`its log says: ${line}`);
      }
    });
  }

  #find(text) {
    this.findings.push({ law: "server", who: "the server", text });
  }

  async kill() {
    this.port = undefined; // nobody may try it from here on; see Line
    this.#life.expected = true;
    this.counts.kills++;
    this.#life.kill();
    await this.#life.ended;
  }

  // While it drains, clients may still try.
  async drain() {
    const life = this.#life;
    life.expected = true;
    this.counts.drains++;
    life.terminate();
    const how = await within(DRAIN_MS, life.ended, () => "").catch(() => "late");
    this.port = undefined;
    if (how === 0) return;
    this.#find(how === "late" ? `it still ran ${DRAIN_MS} ms after SIGTERM` : `SIGTERM ended it with ${how}`);
    life.kill();
    await life.ended;
  }

  // Whatever state it is in.
  async stop() {
    if (this.port) await this.kill();
  }

  // What a store set aside because it found it damaged.
  checkData() {
    if (!existsSync(this.env.CRIER_DATA)) return this.#find("it has no data folder");
    const aside = readdirSync(this.env.CRIER_DATA).filter((name) => /damage|aside/.test(name));
    if (aside.length) this.#find(`its data folder has files set aside: ${aside}`);
  }
}

module.exports = { Server };

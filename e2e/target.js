"use strict";

// The servers under test, as child processes. TARGET says whose: "crier" (the default) or "reference".

const { execFile, spawn } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const TARGET = process.env.TARGET || "crier";
if (!["crier", "reference"].includes(TARGET)) throw new Error(`TARGET is ${TARGET}; allowed are crier and reference`);

const ROOT = path.join(__dirname, "..");
const START_MS = 10_000;
const STOP_MS = 10_000;
const LOG_MS = 15_000;

const COMMANDS = {
  crier: {
    product: [process.env.E2E_BIN || path.join(ROOT, "bin", "crier")],
    lab: [path.join(__dirname, ".build", "lab")],
  },
  reference: {
    product: [process.execPath, path.join(__dirname, "servers", "reference.js")],
    feed: [process.execPath, path.join(__dirname, "servers", "reference-feed.js")],
    lab: [process.execPath, path.join(__dirname, "servers", "reference-lab.js")],
  },
}[TARGET];

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

const folders = [];
process.on("exit", () => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

// A folder for one server's data, or for several that follow each other. It goes with this process.
function dataFolder() {
  folders.push(fs.mkdtempSync(path.join(os.tmpdir(), "crier-e2e-")));
  return folders.at(-1);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

// The servers' settings come from the tests alone, not from the shell that runs them.
const SHELL = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CRIER_|LAB_|PORT$)/.test(name)));

function launch([command, ...args], env) {
  const child = spawn(command, args, { env: { ...SHELL, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  child.ended = new Promise((resolve) => {
    child.once("exit", (code, signal) => (running.delete(child), resolve(signal || code)));
    child.once("error", (error) => (running.delete(child), resolve(error.message)));
  });
  child.stdin.on("error", () => {});
  child.said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => (child.said = (child.said + text).slice(-20_000)));
  return child;
}

// Answers with what `found` settles to, unless the process ends or takes too long first.
async function started(child, found) {
  const ended = child.ended.then((how) =>
    Promise.reject(new Error(`the server ended (${how}) before it was ready:\n${child.said}`)),
  );
  return within(
    START_MS,
    Promise.race([found, ended]),
    () => `the server is not ready after ${START_MS} ms:\n${child.said}`,
  );
}

async function within(ms, promise, message) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(message())), ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Below the ports that systems give to connections, so none of those can take one before the server does. Processes with
// ids close together begin far apart: by the golden section of all ports, which keeps 50 neighbours 274 ports or more from
// each other. e2e/plain/clients.py does the same.
const PORTS = { first: 10_000, count: 20_000, apart: 12_361 };
let portsTried = process.pid * PORTS.apart;

async function freePort() {
  for (;;) {
    const port = PORTS.first + (portsTried++ % PORTS.count);
    const listener = net.createServer().listen(port, "127.0.0.1");
    const free = await new Promise((resolve) => {
      listener.once("listening", () => resolve(true));
      listener.once("error", () => resolve(false));
    });
    if (!free) continue;
    await new Promise((resolve) => listener.close(resolve));
    return port;
  }
}

// Tries until the port answers; each try ends with the kernel's answer, so there is nothing to tune. The answer may be that
// of another process, which has taken the port: the server has to say that it listens.
async function listening(port, child) {
  while (running.has(child)) {
    const open = /\blistening\b/.test(child.said) && await new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
      socket.once("error", () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const describeServer = (child, port) => ({
  port,
  url: `http://127.0.0.1:${port}`,
  log: () => child.said,
  ended: child.ended,
  terminate: () => child.kill("SIGTERM"),
  async kill() {
    child.kill("SIGKILL");
    await child.ended;
  },
  async stop() {
    child.kill("SIGTERM");
    await within(STOP_MS, child.ended, () => `the server still runs ${STOP_MS} ms after SIGTERM:\n${child.said}`).catch(
      (error) => {
        child.kill("SIGKILL");
        throw error;
      },
    );
  },
});

// The product: env are CRIER_* settings; `port` asks for a port that was used before. Clients by hand do not leave when
// they are asked to, so the drain is short. Each has a data folder of its own unless it is given one.
//
// Between the search for a free port and its use another process may take it. Where the port is chosen here, another is
// tried once.
async function startProduct(env = {}, port = undefined, command = COMMANDS.product) {
  const start = async (port) => {
    const data = env.CRIER_DATA ?? dataFolder();
    const child = launch(command, { CRIER_ADDR: `127.0.0.1:${port}`, CRIER_DRAIN_TIMEOUT: "1s", CRIER_DATA: data, ...env });
    await started(child, listening(port, child));
    return describeServer(child, port);
  };
  if (port !== undefined) return start(port);
  return againIfTaken(async () => start(await freePort()));
}

// Does it once more where a server found its port taken.
const againIfTaken = (start) =>
  start().catch((error) => {
    if (!/address already in use|EADDRINUSE/.test(error.message)) throw error;
    return start();
  });

// Waits until a server's log has what the expression matches. A line may come behind the answer that it is about.
async function logged(server, expression) {
  for (const end = Date.now() + LOG_MS; !expression.test(server.log()); ) {
    if (Date.now() > end) throw new Error(`${expression} is not in the log:\n${server.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Runs `crier WORDS` to its end: {code, stdout, stderr}.
function command(...words) {
  return new Promise((resolve) => {
    const options = { env: SHELL, maxBuffer: 1 << 26, timeout: START_MS };
    execFile(COMMANDS.product[0], words, options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.message) : 0, stdout, stderr });
    });
  });
}

// The product with its feed. The reference has none, so for it a stand-in tells the feed.
const startFeed = (env, port) => startProduct(env, port, COMMANDS.feed || COMMANDS.product);

// The laboratory: env are LAB_* settings (see servers/reference-lab.js).
async function startLab(env = {}) {
  const child = launch(COMMANDS.lab, env);
  const address = new Promise((resolve) => {
    child.stdout.on("data", () => child.said.includes("\n") && resolve(child.said.split("\n")[0]));
  });
  const [, port] = (await started(child, address)).split(":");
  return describeServer(child, Number(port));
}

module.exports = {
  TARGET,
  againIfTaken,
  command,
  dataFolder,
  describeServer,
  freePort,
  launch,
  logged,
  startFeed,
  startLab,
  startProduct,
  started,
  within,
};

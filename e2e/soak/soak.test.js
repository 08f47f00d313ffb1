"use strict";

// The short form of the soak, and the proof that it can fail.

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { describe, test } = require("node:test");
const { TARGET } = require("../target");
const { KINDS } = require("./links");
const { makePlan } = require("./plan");
const { soak } = require("./soak");
const { WAYS, spoiler } = require("./spoil");
const { summary } = require("./summary");

const SHORT_MS = 15_000;
const SPOILT_MS = 2_500;
const FLAWED_MS = 12_000;
// A run that does not come to rest says so itself, after two minutes.
const TEST_MS = 200_000;
// Each flaw, the law that it breaks, and how many runs it has to come to bear.
const FLAWS = [
  ["acknowledges before it stores", "acked", 1],
  ["stores what is said again", "once", 3], // chance decides whether what is said again in a run was stored before
  ["begins to catch up one too late", "heard", 1],
  ["begins to catch up one too early", "heard", 1],
  ["lets a message overtake another", "order", 1],
];

// A run in a folder that stays if the test fails.
async function run(t, options) {
  const seed = process.env.SOAK_SEED || randomBytes(6).toString("hex");
  const folder = mkdtempSync(path.join(tmpdir(), "crier-soak-"));
  t.kept = true;
  t.after(() => t.kept || rmSync(folder, { recursive: true }));
  return soak({ seed, folder, ...options });
}

test("a seed has its plan", () => {
  const wish = { seed: "x", ms: 60_000, clients: 5 };
  assert.deepEqual(makePlan(wish), makePlan(wish));
  assert.notDeepEqual(makePlan({ ...wish, seed: "y" }), makePlan(wish));
});

const LAW = "nothing is lost, doubled or swapped while the server is killed, lines are cut and readers stall";

test(LAW, { timeout: TEST_MS }, async (t) => {
  const kinds = [...Object.keys(KINDS), "plain"];
  const result = await run(t, { ms: SHORT_MS, kinds });
  t.diagnostic(`\n${summary(result)}`);
  assert.deepEqual(result.findings, [], summary(result));
  assert.ok(result.counts.kills > 1, "the server was not killed");
  for (const { kind, connections, acked, heard } of result.speakers)
    assert.ok(connections > 1 && acked > 0 && heard > 0, `${kind} was not part of it:\n${summary(result)}`);
  t.kept = false;
});

describe("a line that breaks a law for one client is found", { concurrency: WAYS.length }, () => {
  for (const way of WAYS) {
    test(way, { timeout: TEST_MS }, async (t) => {
      const spoilt = { who: 1, spoil: spoiler(way, 10) };
      const { findings } = await run(t, { ms: SPOILT_MS, kinds: ["4.8.4 websocket", "plain", "plain"], spoilt });
      assert.ok(findings.length > 0, "nothing was found");
      for (const finding of findings) assert.deepEqual([finding.law, finding.who], ["heard", "soak 1 plain"], finding.text);
      t.kept = false;
    });
  }
});

const skip = TARGET !== "reference" && "Crier has no flaw to switch on";

describe("a server that breaks a law is found", { concurrency: FLAWS.length, skip }, () => {
  for (const [flaw, law, runs] of FLAWS) {
    test(flaw, { timeout: TEST_MS }, async (t) => {
      const kinds = ["4.8.4 websocket", "3.1.3 websocket", "2.5.0 websocket", "1.7.4 websocket", "plain", "plain", "plain"];
      const laws = new Set();
      for (let i = 0; i < runs && !laws.has(law); i++) {
        const { findings } = await run(t, { ms: FLAWED_MS, kinds, env: { FLAW: flaw } });
        for (const finding of findings) laws.add(finding.law);
      }
      assert.ok(laws.has(law), `only these laws are named: ${[...laws].join(", ")}`);
      t.kept = false;
    });
  }
});

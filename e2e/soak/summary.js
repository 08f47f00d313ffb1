"use strict";

// A run in words.

const COLUMNS = ["clients", "said", "again", "acked", "declined", "heard", "connections", "recoveries"];

function summary({ seed, seconds, counts, speakers, findings, folder }) {
  const { kills, drains, feed, ...lines } = counts;
  const cuts = ["reset", "finish", "vanish", "refuse"].reduce((sum, what) => sum + (lines[what] || 0), 0);
  return [
    `seed ${seed}: ${seconds} s, ${feed} messages; the server was killed ${kills} times and drained ${drains} times;`,
    `lines were cut ${cuts} times (${words(lines)})`,
    "",
    ...table(speakers),
    "",
    ...findings.map(({ law, who, text }) => `FOUND ${law}: ${who}: ${text}`),
    findings.length ? `${findings.length} findings; the records are in ${folder}` : "every law held",
  ].join("\n");
}

const words = (counts) => Object.entries(counts).map(([what, count]) => `${what} ${count}`).sort().join(", ");

function table(speakers) {
  const kinds = grouped(speakers);
  const rows = [...kinds].map(([kind, list]) => [kind, ...COLUMNS.map((column) => total(list, column))]);
  const all = ["all", ...COLUMNS.map((column) => total(speakers, column))];
  return [["", ...COLUMNS], ...rows, all].map(
    ([first, ...cells]) => first.padEnd(16) + cells.map((cell) => String(cell).padStart(12)).join(""),
  );
}

function grouped(speakers) {
  const kinds = new Map();
  for (const speaker of speakers) kinds.set(speaker.kind, [...(kinds.get(speaker.kind) || []), speaker]);
  return kinds;
}

const total = (list, column) => (column === "clients" ? list.length : list.reduce((sum, counts) => sum + counts[column], 0));

module.exports = { summary };

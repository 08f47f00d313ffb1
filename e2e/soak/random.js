"use strict";

// Chance that can be repeated: the same seed and label give the same numbers.

const { createHash } = require("node:crypto");

class Random {
  #seed;
  #drawn = 0;

  constructor(seed, label = "") {
    this.#seed = `${seed}/${label}`;
  }

  // At least 0 and less than 1.
  next() {
    return createHash("sha256").update(`${this.#seed}/${this.#drawn++}`).digest().readUInt32LE() / 2 ** 32;
  }

  // A whole number, both ends included.
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  // Picks a key of {key: weight}.
  weighted(weights) {
    let left = this.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    for (const [key, weight] of Object.entries(weights)) if ((left -= weight) < 0) return key;
    return Object.keys(weights).at(-1);
  }
}

module.exports = { Random };

"use strict";

// A certificate that is its own authority, for 127.0.0.1 and localhost: {cert, key}, files.

const { execFileSync } = require("node:child_process");
const path = require("node:path");
const { dataFolder } = require("./target");

function certificate() {
  const folder = dataFolder();
  const [cert, key] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", ...kind, ...names, "-keyout", key, "-out", cert], { stdio: "pipe" });
  return { cert, key };
}

module.exports = { certificate };

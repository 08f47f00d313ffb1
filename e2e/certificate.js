"use strict";

// A certificate that is its own authority, for 127.0.0.1 and localhost: {folder, cert, key}, all of them paths.

const { execFileSync } = require("node:child_process");
const path = require("node:path");
const { dataFolder } = require("./target");

function certificate() {
  const folder = dataFolder();
  const [cert, key] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
  execFileSync("openssl", ["req", ...kind, ...names, "-keyout", key, "-out", cert], { stdio: "pipe" });
  return { folder, cert, key };
}

module.exports = { certificate };

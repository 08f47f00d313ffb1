"use strict";

// The rule about foreign origins, as Crier has it, for the reference server: a page may come from the
// server's own origin or from one that is listed; a client that is no browser sends no Origin at all.
function originRules(list) {
  const allowed = (list || "").split(",").filter(Boolean);
  const listed = (origin) => allowed.includes("*") || allowed.includes(origin);
  return {
    cors: { origin: (origin, decide) => decide(null, Boolean(origin) && listed(origin)), credentials: true },
    allowRequest(request, decide) {
      const { origin, host } = request.headers;
      const own = URL.canParse(origin) && new URL(origin).host === host;
      const known = !origin || listed(origin) || own;
      decide(known ? null : "origin not allowed", known);
    },
  };
}

module.exports = { originRules };

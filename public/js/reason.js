// Why something was not done, in the reader's language. The server tells a code and a message in English; the words for
// its codes begin with "why_", and may have a place for the message, or for what stands behind its first colon.
(function (Crier) {
  "use strict";

  function behindColon(message) {
    var colon = message.indexOf(": ");
    return colon < 0 ? message : message.substring(colon + 2);
  }

  // error is {code, message}, or a text. The words fit behind a colon, and are "" for nothing.
  function reason(error) {
    var code = error && typeof error.code === "string" ? error.code : "";
    var message = String(error && (code ? error.message : error.message || error) || "").replace(/[.!]+$/, "");
    var key = "why_" + code;
    if (!Crier.words.has(key)) {
      return message || code;
    }
    // Without a message, brackets around it are empty.
    return Crier.words.say(key, { message: message, detail: behindColon(message) }).replace(/ ?[(（][)）]$/, "");
  }

  Crier.reason = reason;
})(window.Crier = window.Crier || {});

// Why the server takes no connection.
(function (Crier) {
  "use strict";

  // Of the page's own origin and host; the reasons for which a page is refused have words of their own where they help.
  var codes = { 403: "foreign", 421: "unnamed", 429: "crowded", 503: "unavailable" };
  var reasons = { proxy: "proxied" };

  // What the answer to a request says when the server takes no connection; null for anything else. error has its status as
  // description; the 4.x client has the request as context.
  function refusal(error) {
    var status = error ? error.description : 0;
    var told = {};
    if (typeof status !== "number" || !codes[status]) {
      return null;
    }
    try {
      told = JSON.parse(error.context.responseText) || {};
    } catch (unreadable) {
      told = {};
    }
    return {
      code: status === 403 && reasons[told.reason] || codes[status],
      message: typeof told.message === "string" ? told.message : ""
    };
  }

  // Asks the server itself, where the client can't tell: of a WebSocket or a script that is refused a browser says nothing.
  // No session begins with a POST, so this opens none. told gets a refusal, if the server has one.
  function ask(path, told) {
    var request;
    if (!window.XMLHttpRequest) {
      return;
    }
    request = new window.XMLHttpRequest();
    request.onreadystatechange = function () {
      var why = request.readyState === 4 ? refusal({ description: request.status, context: request }) : null;
      if (why) {
        told(why);
      }
    };
    request.open("POST", path + "?EIO=4&transport=polling", true);
    request.send("");
  }

  Crier.refusal = refusal;
  Crier.askWhy = ask;
})(window.Crier = window.Crier || {});

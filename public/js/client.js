// Which socket.io.js this browser gets, and how. Decided by what the browser can do, not by what it calls itself:
// the 4.x client wants typed arrays, XHR that crosses origins, and either WebSocket or a browser new enough for
// promises (WebSocket can be switched off in those, and 4.x then polls); anything else gets the 2.x client, which has
// XDomainRequest and JSONP too.
//
// For testing, the page's query chooses: ?client=2|4 and ?transport=polling|websocket|jsonp.
(function (Crier) {
  "use strict";

  var files = { "4": "socket.io.min.js", "2": "2/socket.io.js" };

  function asked(name, allowed) {
    var found = new RegExp("[?&]" + name + "=([a-z0-9]+)(&|$)").exec(window.location.search);
    return found && allowed.indexOf(found[1]) >= 0 ? found[1] : "";
  }

  function modern() {
    return "map" in [] && "Uint8Array" in window && "XMLHttpRequest" in window &&
      "withCredentials" in new window.XMLHttpRequest() && ("WebSocket" in window || "Promise" in window);
  }

  function version(transport) {
    if (transport === "jsonp") {
      return "2";
    }
    return asked("client", ["2", "4"]) || (modern() ? "4" : "2");
  }

  function options(path, transport) {
    var chosen = { path: path, reconnection: false };
    if (transport === "jsonp") {
      chosen.transports = ["polling"];
      chosen.upgrade = false;
      chosen.forceJSONP = true;
    } else if (transport) {
      chosen.transports = [transport];
    }
    return chosen;
  }

  function addScript(url, done) {
    var script = document.createElement("script");
    script.onload = script.onerror = function () {
      script.onload = script.onerror = null;
      done(window.io);
    };
    script.src = url;
    document.body.appendChild(script);
  }

  // A JSONP poll is a script. One that starts before the page has loaded keeps it loading for as long as it waits.
  function whenLoaded(run) {
    if (document.readyState === "complete") {
      setTimeout(run, 0);
    } else {
      Crier.dom.on(window, "load", function () { setTimeout(run, 0); });
    }
  }

  // The page's paths are relative, so that they hold below any path that a proxy has it under. The client wants one from
  // the root.
  function fromRoot(path) {
    var link = document.createElement("a");
    link.href = path;
    // Internet Explorer fills in the parts only when it is given a whole address, and leaves out the slash in front.
    link.href = String(link.href);
    return link.pathname.replace(/^\/?/, "/");
  }

  // A bundle that does not run here leaves no window.io; the older one may still do.
  function load(ready) {
    var path = document.documentElement.getAttribute("data-path");
    var transport = asked("transport", ["polling", "websocket", "jsonp"]);
    var first = version(transport);
    var done = function (io) {
      whenLoaded(function () { ready(io, options(fromRoot(path), transport)); });
    };
    addScript(path + files[first], function (io) {
      if (io || first === "2") {
        done(io);
      } else {
        addScript(path + files["2"], done);
      }
    });
  }

  Crier.client = { load: load };
})(window.Crier = window.Crier || {});

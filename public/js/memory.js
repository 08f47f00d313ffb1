// What the browser keeps between visits: the name, the draft, the choice of language and theme.
// Storage may be missing, full or forbidden (private windows, blocked cookies); the page works without it.
(function (Crier) {
  "use strict";

  var prefix = "crier.";

  function get(key) {
    try {
      return window.localStorage.getItem(prefix + key) || "";
    } catch (refused) {
      return "";
    }
  }

  function set(key, value) {
    try {
      if (value) {
        window.localStorage.setItem(prefix + key, value);
      } else {
        window.localStorage.removeItem(prefix + key);
      }
    } catch (refused) {
      return;
    }
  }

  Crier.memory = { get: get, set: set };
})(window.Crier = window.Crier || {});

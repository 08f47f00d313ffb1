// Light or dark: as the system has it, until the reader switches. Runs in the head so that the first paint is right.
(function (Crier) {
  "use strict";

  var root = document.documentElement;
  var query = window.matchMedia ? window.matchMedia("(prefers-color-scheme: dark)") : null;
  var paper = { light: "#faf7f2", dark: "#171512" };

  function current() {
    var chosen = Crier.memory.get("theme");
    if (chosen === "light" || chosen === "dark") {
      return chosen;
    }
    return query && query.matches ? "dark" : "light";
  }

  function apply() {
    var metas = document.getElementsByTagName("meta");
    var i;
    root.setAttribute("data-theme", current());
    for (i = 0; i < metas.length; i++) {
      if (metas[i].name === "theme-color") {
        metas[i].content = paper[current()];
      }
    }
  }

  // A choice that agrees with the system is not kept: the page follows the system again.
  function toggle() {
    var wanted = current() === "dark" ? "light" : "dark";
    Crier.memory.set("theme", "");
    if (current() !== wanted) {
      Crier.memory.set("theme", wanted);
    }
    apply();
    return current();
  }

  if (query && query.addListener) {
    query.addListener(apply);
  }
  apply();

  Crier.theme = { current: current, toggle: toggle };
})(window.Crier = window.Crier || {});

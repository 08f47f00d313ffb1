// The buttons that every page has at its top: language and theme.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  function draw() {
    dom.text(dom.byId("language"), Crier.words.say("languageButton"));
    dom.text(dom.byId("theme"), Crier.words.say(Crier.theme.current() === "dark" ? "toLight" : "toDark"));
  }

  // Puts the words into the page, too.
  function start() {
    dom.on(dom.byId("language"), "click", Crier.words.toggle);
    dom.on(dom.byId("theme"), "click", function () {
      Crier.theme.toggle();
      draw();
    });
    Crier.words.apply();
    Crier.words.watch(draw);
  }

  Crier.tools = { start: start };
})(window.Crier = window.Crier || {});

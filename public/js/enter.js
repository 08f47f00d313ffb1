// The key that sends. Shift+Enter starts a line, and Enter that ends the choice of a Chinese or Japanese word sends nothing.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var enter = 13;
  // The key code of every key that an input method has taken for itself.
  var taken = 229;

  // send runs when Enter in the field means to send.
  function onEnter(field, send) {
    var composing = false;
    dom.on(field, "compositionstart", function () { composing = true; });
    dom.on(field, "compositionend", function () { composing = false; });
    dom.on(field, "keydown", function (event) {
      var busy = composing || event.isComposing || event.keyCode === taken;
      if (event.keyCode === enter && !event.shiftKey && !busy) {
        dom.stop(event);
        send();
      }
    });
  }

  Crier.onEnter = onEnter;
})(window.Crier = window.Crier || {});

// Where text is written. What is written is kept until it is sent, across a reload too.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  function Composer(say) {
    this.say = say;
    this.field = dom.byId("text");
    this.field.value = Crier.memory.get("draft");
    this.listen();
    this.fit();
    if (!touch()) {
      this.field.focus();
    }
  }

  // On a touch screen the focus brings up the keyboard, which nobody asked for yet.
  function touch() {
    return "ontouchstart" in window;
  }

  Composer.prototype.listen = function () {
    var self = this;
    var keep = function () { self.keep(); };
    dom.on(this.field, "input", keep);
    // IE 9 has no input event for what is deleted.
    dom.on(this.field, "keyup", keep);
    Crier.onEnter(this.field, function () { self.send(); });
    dom.on(dom.byId("composer"), "submit", function (event) {
      dom.stop(event);
      self.send();
    });
    dom.on(window, "resize", function () { self.fit(); });
  };

  Composer.prototype.keep = function () {
    Crier.memory.set("draft", this.field.value);
    this.fit();
  };

  // As high as the text, up to what the style allows.
  Composer.prototype.fit = function () {
    this.field.style.height = "auto";
    this.field.style.height = this.field.scrollHeight + this.field.offsetHeight - this.field.clientHeight + "px";
  };

  Composer.prototype.send = function () {
    var text = this.field.value.replace(/\s+$/, "");
    this.field.focus();
    if (!text) {
      return;
    }
    this.field.value = "";
    this.keep();
    this.say(text);
  };

  Crier.Composer = Composer;
})(window.Crier = window.Crier || {});

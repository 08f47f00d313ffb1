// What is sent as text: anything typed, the two words that every endpoint knows, and the shapes of the news.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  // send(text) says whether it went out.
  function Texts(send) {
    this.send = send;
    this.field = dom.byId("message");
    this.listen();
    dom.byId("speaker").value = Crier.memory.get("name") || "Ann";
  }

  Texts.prototype.listen = function () {
    var self = this;
    var sendTyped = function () { self.sendTyped(); };
    var register = function () { self.register(); };
    var tell = function () { self.tell(); };
    Crier.onEnter(this.field, sendTyped);
    Crier.onEnter(dom.byId("speaker"), register);
    Crier.onEnter(dom.byId("saying"), tell);
    dom.on(dom.byId("send"), "click", sendTyped);
    dom.on(dom.byId("send-ping"), "click", function () { self.send("ping"); });
    dom.on(dom.byId("send-stop"), "click", function () { self.send("stop"); });
    dom.on(dom.byId("register"), "click", register);
    dom.on(dom.byId("tell"), "click", tell);
  };

  // As it is: spaces, and nothing at all, are messages too.
  Texts.prototype.sendTyped = function () {
    if (this.send(this.field.value)) {
      this.field.value = "";
    }
    this.field.focus();
  };

  Texts.prototype.register = function () {
    this.send(JSON.stringify({ type: "f", speaker: dom.byId("speaker").value }));
  };

  Texts.prototype.tell = function () {
    if (this.send(JSON.stringify({ type: "message", data: dom.byId("saying").value }))) {
      dom.byId("saying").value = "";
    }
  };

  Crier.Texts = Texts;
})(window.Crier = window.Crier || {});

// Who is speaking here: the name, its registration with the server, and who else is in the room as of the last answer.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  function guest() {
    return Crier.words.say("guest", { n: 1000 + Math.floor(Math.random() * 9000) });
  }

  function trim(text) {
    return text.replace(/^\s+|\s+$/g, "");
  }

  var firstPause = 2000;
  var longestPause = 60000;

  // emit(event, argument, options, answered) sends to the server; missed() returns what is to come behind the answer;
  // registered(answer) runs when the speaker may speak; held(why) when the server asks to register later, and
  // held(null) when the speaker does.
  function Speaker(emit, missed, registered, held) {
    this.emit = emit;
    this.missed = missed;
    this.registered = registered;
    this.held = held;
    this.owner = "";
    this.doubts = 0;
    this.refusals = 0;
    this.timer = null;
    this.field = dom.byId("name");
    this.name = Crier.memory.get("name") || guest();
    this.id = "";
    this.present = null;
    this.error = null;
    this.field.value = this.name;
    this.listen();
  }

  Speaker.prototype.listen = function () {
    var self = this;
    dom.on(this.field, "change", function () { self.rename(); });
    dom.on(this.field, "keydown", function (event) {
      if (event.keyCode === 13) {
        dom.stop(event);
        self.rename();
        dom.byId("text").focus();
      }
    });
    dom.on(dom.byId("people"), "click", function () { self.toggleNames(); });
  };

  // An empty field asks for a guest's name. Anything else is for the server to judge.
  Speaker.prototype.rename = function () {
    if (!trim(this.field.value)) {
      this.field.value = guest();
    }
    if (this.error || trim(this.field.value) !== this.name) {
      this.register();
    }
  };

  // For a new connection. A name that was refused in between gives way to the one that was accepted.
  Speaker.prototype.join = function () {
    if (this.error && this.id) {
      this.field.value = this.name;
    }
    this.owner = "";
    this.doubts = 0;
    this.register();
  };

  Speaker.prototype.register = function () {
    var self = this;
    var wanted = this.field.value;
    clearTimeout(this.timer);
    this.emit("f", wanted, this.options(), function (answer) { self.answered(wanted, answer || {}); });
  };

  // The secret comes with the first registration on a connection. A server that can't take the options is asked without
  // it, and at last without any.
  Speaker.prototype.options = function () {
    var options = this.doubts < 2 ? this.missed() : {};
    if (this.doubts === 0 && !this.owner) {
      options.secret = Crier.secret();
    }
    return options;
  };

  Speaker.prototype.answered = function (wanted, answer) {
    var code = answer.error ? answer.error.code : "";
    if (code === "bad_options" && this.doubts < 2) {
      this.doubts++;
      this.register();
      return;
    }
    if (code === "not_read") {
      this.registerLater(answer.error);
      return;
    }
    this.refusals = 0;
    this.error = answer.error || null;
    this.drawError();
    if (!this.error) {
      this.accept(wanted, answer);
    }
  };

  Speaker.prototype.registerLater = function (why) {
    var self = this;
    this.refusals++;
    this.timer = setTimeout(function () {
      self.held(null);
      self.register();
    }, Crier.pause(this.refusals, firstPause, longestPause));
    this.held(why);
  };

  Speaker.prototype.accept = function (wanted, answer) {
    this.id = typeof answer.id === "string" ? answer.id : "";
    this.name = typeof answer.name === "string" ? answer.name : trim(wanted);
    // Without the secret, the server knows whose ids are whose by the first name on a connection.
    this.owner = this.owner || (this.doubts === 0 ? Crier.secret() : "name " + this.name);
    this.present = typeof answer.count === "number" ? answer : null;
    if (this.field.value === wanted) {
      this.field.value = this.name;
    }
    Crier.memory.set("name", this.name);
    this.drawPresent();
    this.registered(answer);
  };

  Speaker.prototype.lost = function () {
    clearTimeout(this.timer);
    this.present = null;
    this.drawPresent();
  };

  Speaker.prototype.drawError = function () {
    if (this.error) {
      this.field.setAttribute("aria-invalid", "true");
    } else {
      this.field.removeAttribute("aria-invalid");
    }
    dom.text(dom.byId("name-error"), this.error ? Crier.reason(this.error) : "");
  };

  // The number stands in the panel, which asks anew when it is opened: on the button it would soon be wrong.
  Speaker.prototype.toggleNames = function () {
    var open = dom.byId("people").getAttribute("aria-expanded") === "true";
    dom.byId("people").setAttribute("aria-expanded", open ? "false" : "true");
    dom.show(dom.byId("names"), !open);
    if (!open) {
      this.refresh();
    }
  };

  // The server tells who is here with each registration; the same name again changes nothing else.
  Speaker.prototype.refresh = function () {
    var self = this;
    this.emit("f", this.name, null, function (answer) {
      if (answer && typeof answer.count === "number") {
        self.present = answer;
        self.drawPresent();
      }
    });
  };

  Speaker.prototype.drawPresent = function () {
    var button = dom.byId("people");
    var box = dom.byId("names");
    dom.show(button, Boolean(this.present));
    if (!this.present) {
      button.setAttribute("aria-expanded", "false");
      dom.show(box, false);
      return;
    }
    this.drawNames(box, this.present.names || []);
  };

  Speaker.prototype.drawNames = function (box, names) {
    var list = dom.make("div", "inner");
    var i;
    var node;
    list.appendChild(dom.make("span", "count", Crier.words.say("here", { n: this.present.count })));
    for (i = 0; i < names.length; i++) {
      node = dom.make("span", "present", String(names[i]));
      node.setAttribute("dir", "auto");
      list.appendChild(node);
    }
    if (this.present.count > names.length) {
      list.appendChild(dom.make("span", "more", Crier.words.say("more", { n: this.present.count - names.length })));
    }
    dom.text(box, "");
    box.appendChild(list);
  };

  Speaker.prototype.translate = function () {
    this.drawError();
    this.drawPresent();
  };

  Crier.Speaker = Speaker;
})(window.Crier = window.Crier || {});

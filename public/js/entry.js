// One row of what was said: the parts of the document for it, and how it looks in each state.
(function (Crier) {
  "use strict";

  var hues = 12;

  // The same name has the same hue on every screen.
  function hue(name) {
    var sum = 0;
    var i;
    for (i = 0; i < name.length; i++) {
      sum = (sum * 31 + name.charCodeAt(i)) % 65521;
    }
    return sum % hues;
  }

  function initial(name) {
    var length = Crier.isHighSurrogate(name.charCodeAt(0)) ? 2 : 1;
    return name.substring(0, length).toUpperCase();
  }

  // The data of a message is any JSON value or binary.
  function readable(data) {
    if (typeof data === "string") {
      return data;
    }
    if (data && (data.byteLength !== undefined ||
        data.size !== undefined && window.Blob && data instanceof window.Blob)) {
      return Crier.words.say("binary", { n: data.byteLength === undefined ? data.size : data.byteLength });
    }
    try {
      return String(JSON.stringify(data));
    } catch (unwritable) {
      return String(data);
    }
  }

  // A message's state, and why.
  function words(message) {
    if (!message.why) {
      return Crier.words.say(message.state);
    }
    if (message.why.code === "unsure") {
      return Crier.reason(message.why);
    }
    return Crier.words.say("stateFor", { state: Crier.words.say(message.state), reason: Crier.reason(message.why) });
  }

  // Entry: {id, name, text, at, mine, offset}; id tells speakers with one name apart, offset is where it stands in what
  // was said, if that is known.
  function Entry(values) {
    this.id = values.id;
    this.name = values.name;
    this.at = new Date(values.at);
    this.mine = values.mine;
    this.offset = values.offset;
    this.floating = false;
    this.news = 0;
    this.gap = false;
    this.topWord = "";
    this.build(values.text);
    Crier.dom.mark(this.node, "mine", values.mine);
  }

  // It turns out to be the reader's own.
  Entry.prototype.own = function () {
    this.id = "own";
    this.mine = true;
    Crier.dom.mark(this.node, "mine", true);
  };

  Entry.prototype.build = function (text) {
    var make = Crier.dom.make;
    var name = this.name || Crier.words.say("someone");
    var line = make("div", "line");
    var body = make("div", "body");
    var head = make("p", "head");
    this.node = make("div", "entry");
    this.face = make("span", "face hue-" + hue(name), initial(name));
    this.face.setAttribute("aria-hidden", "true");
    this.who = make("b", "who", name);
    this.who.setAttribute("dir", "auto");
    this.said = make("p", "said", Crier.cut(text));
    this.said.setAttribute("dir", "auto");
    this.time = make("time", "time");
    this.end = make("span", "end");
    this.why = make("p", "why");
    head.appendChild(this.who);
    head.appendChild(document.createTextNode(" "));
    head.appendChild(this.time);
    body.appendChild(head);
    body.appendChild(this.said);
    body.appendChild(this.why);
    line.appendChild(this.face);
    line.appendChild(body);
    line.appendChild(this.end);
    this.node.appendChild(line);
    this.setTime(this.at.getTime());
  };

  Entry.prototype.setTime = function (at) {
    this.at = new Date(at);
    Crier.dom.text(this.time, Crier.clock.time(this.at));
    this.time.setAttribute("datetime", String(this.at.getTime()));
    this.time.title = Crier.clock.full(this.at);
  };

  // state is the message's own; retry runs when the reader asks to send it again.
  Entry.prototype.setState = function (message, retry) {
    var states = ["waiting", "sending", "done", "failed"];
    var i;
    this.state = { message: message, retry: retry };
    for (i = 0; i < states.length; i++) {
      Crier.dom.mark(this.node, states[i], states[i] === message.state);
    }
    Crier.dom.text(this.end, "");
    this.end.appendChild(this.tick(message));
    Crier.dom.text(this.why, message.state === "failed" ? words(message) : "");
    if (message.state === "failed" && !message.final) {
      this.end.appendChild(retryButton(retry));
    }
  };

  Entry.prototype.tick = function (message) {
    var signs = { waiting: "◷", sending: "…", done: "✓", failed: "!" };
    var tick = Crier.dom.make("span", "tick", signs[message.state]);
    tick.setAttribute("role", "img");
    tick.setAttribute("aria-label", words(message));
    tick.title = words(message);
    return tick;
  };

  function retryButton(retry) {
    var button = Crier.dom.make("button", "retry", Crier.words.say("retry"));
    button.type = "button";
    Crier.dom.on(button, "click", retry);
    return button;
  }

  // A line above the entry: the day, where the news begins, or why nothing is above it. Without words there is none.
  Entry.prototype.setRule = function (kind, words) {
    var key = kind + "Rule";
    if (!words) {
      Crier.dom.drop(this[key]);
      this[key] = null;
      return;
    }
    if (!this[key]) {
      this[key] = Crier.dom.make("div", "rule " + kind);
      this[key].appendChild(Crier.dom.make("span"));
      this.node.insertBefore(this[key], this.placeOf(kind));
    }
    Crier.dom.text(this[key].firstChild, words);
  };

  Entry.prototype.placeOf = function (kind) {
    if (kind === "day" && this.topRule) {
      return this.topRule.nextSibling;
    }
    return kind === "day" || kind === "top" ? this.node.firstChild : this.node.lastChild;
  };

  // Says why there is nothing above this entry, by the key of the words.
  Entry.prototype.setTop = function (key) {
    this.topWord = key;
    this.setRule("top", key ? Crier.words.say(key) : "");
  };

  Entry.prototype.setNews = function (count) {
    this.news = count;
    this.setRule("new", count ? Crier.words.say("news", { n: count }) : "");
  };

  // Says that something before this entry is missing.
  Entry.prototype.setGap = function (gap) {
    this.gap = gap;
    this.setRule("gap", gap ? Crier.words.say("gap") : "");
  };

  // Entries of one speaker within five minutes read as one, unless a line stands between them.
  Entry.prototype.follow = function (before) {
    var sameDay = before && Crier.clock.dayKey(before.at) === Crier.clock.dayKey(this.at);
    this.setRule("day", sameDay ? "" : Crier.clock.day(this.at));
    Crier.dom.mark(this.node, "run-on", Boolean(sameDay && !this.newRule && !this.gapRule && before.id === this.id &&
      before.name === this.name && Math.abs(this.at - before.at) < 300000));
  };

  // Writes the words anew, in the language of now.
  Entry.prototype.translate = function () {
    this.setTime(this.at.getTime());
    this.setNews(this.news);
    this.setGap(this.gap);
    this.setTop(this.topWord);
    if (this.state) {
      this.setState(this.state.message, this.state.retry);
    }
  };

  Entry.readable = readable;
  Crier.Entry = Entry;
})(window.Crier = window.Crier || {});

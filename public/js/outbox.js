// What this reader has said, until it is known to have been heard. No view of it here.
//
// A message is "waiting" until there is a connection and a name, "sending" until it is acknowledged, then "done";
// "failed" when the server refused it. When the connection goes before the answer comes, the message waits again and goes out
// by itself: it has a key, by which the server knows what the speaker has said before and says nothing twice. That holds for
// one name, so after another was taken, or without any answer for long, sending it again is the reader's decision.
//
// The data of a message is the bare text, so that every old page can show it; its own copy among the news is found by
// that text and by an id that the speaker had when it was sent. The server hears one speaker's messages in order, so of
// several with the same text the earliest is meant. It does not matter whether the answer or the copy comes first.
(function (Crier) {
  "use strict";

  var answerWait = 15000;
  // How many sent messages can wait for their copy; a server that sends no news back must not fill the memory.
  var longest = 500;

  // Without a speaker's id, a message of an earlier connection cannot be told from a later one with the same text.
  function canBeHeard(message, speaker) {
    if (message.attempt === 0 || message.heard || message.refused) {
      return false;
    }
    return speaker ? message.speakers[speaker] === true : message.state === "sending" || message.state === "done";
  }

  // Nobody else's key must be the same, whatever the name and however often the page is loaded.
  function newKey() {
    return new Date().getTime().toString(36) + "-" + Math.random().toString(36).substring(2) +
      Math.random().toString(36).substring(2);
  }

  // transmit(text, key, answered) sends; changed(message) tells of a message in a new state.
  function Outbox(transmit, changed) {
    this.transmit = transmit;
    this.changed = changed;
    this.open = false;
    this.speaker = "";
    this.name = "";
    this.messages = [];
  }

  Outbox.prototype.say = function (text) {
    var message = {
      text: text, key: newKey(), state: "waiting", why: "", at: new Date().getTime(), attempt: 0, speakers: {}, name: "",
      heard: false, refused: false
    };
    this.add(message);
    this.changed(message);
    this.flush();
    return message;
  };

  Outbox.prototype.add = function (message) {
    this.messages.push(message);
    if (this.messages.length > longest) {
      this.messages.shift();
    }
  };

  Outbox.prototype.retry = function (message) {
    if (message.state !== "failed") {
      return;
    }
    this.forget(message);
    message.name = "";
    message.at = new Date().getTime();
    this.add(message);
    this.become(message, "waiting");
    this.flush();
  };

  // speaker is the id that others see; "" if the server tells none.
  Outbox.prototype.start = function (speaker, name) {
    this.open = true;
    this.speaker = speaker;
    this.name = name;
    this.flush();
  };

  Outbox.prototype.stop = function () {
    var all = this.messages.slice();
    var i;
    this.open = false;
    for (i = 0; i < all.length; i++) {
      if (all[i].state === "sending") {
        this.become(all[i], "waiting");
      }
    }
  };

  Outbox.prototype.flush = function () {
    var all = this.messages.slice();
    var i;
    for (i = 0; this.open && i < all.length; i++) {
      if (all[i].state === "waiting" && all[i].name && all[i].name !== this.name) {
        this.become(all[i], "failed", "unsure");
      } else if (all[i].state === "waiting") {
        this.send(all[i]);
      }
    }
  };

  Outbox.prototype.send = function (message) {
    var self = this;
    var attempt = ++message.attempt;
    message.speakers[this.speaker] = true;
    message.name = this.name;
    message.refused = false;
    this.become(message, "sending");
    message.timer = setTimeout(function () {
      if (message.state === "sending" && message.attempt === attempt) {
        self.become(message, "failed", "unsure");
      }
    }, answerWait);
    this.transmit(message.text, message.key, function (answer) { self.answered(message, attempt, answer); });
  };

  Outbox.prototype.answered = function (message, attempt, answer) {
    var error = answer && answer.error;
    if (message.state === "done") {
      return;
    }
    if (!error) {
      this.become(message, "done");
    } else if (message.attempt === attempt) {
      message.refused = true;
      this.become(message, "failed", String(error.message || error.code || error));
    }
  };

  Outbox.prototype.become = function (message, state, why) {
    clearTimeout(message.timer);
    message.state = state;
    message.why = why || "";
    if (state === "done" && message.heard) {
      this.forget(message);
    }
    this.changed(message);
  };

  Outbox.prototype.forget = function (message) {
    var i;
    for (i = 0; i < this.messages.length; i++) {
      if (this.messages[i] === message) {
        this.messages.splice(i, 1);
        return;
      }
    }
  };

  // Finds the message whose copy came back from this speaker ("" if the news does not tell); null when it is none of these.
  Outbox.prototype.hear = function (text, speaker, at) {
    var i;
    var message;
    for (i = 0; i < this.messages.length; i++) {
      message = this.messages[i];
      if (message.text === text && canBeHeard(message, speaker)) {
        message.heard = true;
        message.at = at;
        this.become(message, "done");
        return message;
      }
    }
    return null;
  };

  Crier.Outbox = Outbox;
})(window.Crier = window.Crier || {});

// What this reader has said, until it is known to have been heard. No view of it here.
//
// A message is "waiting" until there is a connection and a name, "sending" until it is acknowledged, then "done";
// "failed" when the server refused it, or when the connection went before the answer came: then nobody can know
// whether it was said, so sending it again is the reader's decision. One that was still waiting goes out by itself.
//
// The data of a message is the bare text, so that every old page can show it; its own copy among the news is found by
// that text and by the id that the speaker had when it was sent. The server hears one speaker's messages in order, so of
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
    return speaker ? message.speaker === speaker : message.state === "sending" || message.state === "done";
  }

  // transmit(text, answered) sends; changed(message) tells of a message in a new state.
  function Outbox(transmit, changed) {
    this.transmit = transmit;
    this.changed = changed;
    this.open = false;
    this.speaker = "";
    this.messages = [];
  }

  Outbox.prototype.say = function (text) {
    var message = {
      text: text, state: "waiting", why: "", at: new Date().getTime(), attempt: 0, speaker: "", heard: false, refused: false
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
    message.at = new Date().getTime();
    this.add(message);
    this.become(message, "waiting");
    this.flush();
  };

  // speaker is the id that others see; "" if the server tells none.
  Outbox.prototype.start = function (speaker) {
    this.open = true;
    this.speaker = speaker;
    this.flush();
  };

  Outbox.prototype.stop = function () {
    var all = this.messages.slice();
    var i;
    this.open = false;
    for (i = 0; i < all.length; i++) {
      if (all[i].state === "sending") {
        this.become(all[i], "failed", "unsure");
      }
    }
  };

  Outbox.prototype.flush = function () {
    var all = this.messages.slice();
    var i;
    for (i = 0; this.open && i < all.length; i++) {
      if (all[i].state === "waiting") {
        this.send(all[i]);
      }
    }
  };

  Outbox.prototype.send = function (message) {
    var self = this;
    var attempt = ++message.attempt;
    message.speaker = this.speaker;
    message.refused = false;
    this.become(message, "sending");
    message.timer = setTimeout(function () {
      if (message.state === "sending" && message.attempt === attempt) {
        self.become(message, "failed", "unsure");
      }
    }, answerWait);
    this.transmit(message.text, function (answer) { self.answered(message, attempt, answer); });
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

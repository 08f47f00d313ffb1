// What this reader has said, until it is known to have been heard. No view of it here.
//
// A message is "waiting" until there is a connection and a name, "sending" until it is acknowledged, then "done". When
// the connection goes before the answer comes, or the server asks to say it later, the message waits again and goes out
// by itself: it has a key, by which the server knows what its owner has said before and says nothing twice. That holds
// for one owner, so with another one sending it again is the reader's decision.
//
// It is "failed", with the reason, when the server refused it, did not answer for long, or ended the connection each
// time that it was sent. Then later messages go on. A reason is {code, message}, as the server has it. Where the server
// would refuse it each time, the message is final: it is not sent again.
//
// The data of a message is the bare text, so that every old page can show it; its own copy among the news is found by
// the offset that the answer told, or by that text and an id that the speaker had when it was sent. The server hears
// one speaker's messages in order, so of several with the same text the earliest is meant. It does not matter whether
// the answer or the copy comes first.
(function (Crier) {
  "use strict";

  var answerWait = 15000;
  // How many can be without an answer at once: enough for one synced write of the server's to take many.
  var together = 16;
  // How many sent messages can wait for their copy; a server that sends no news back must not fill the memory.
  var longest = 500;
  // A message with which the connection has ended so often is not sent again by itself.
  var mostLosses = 3;
  var firstPause = 2000;
  var longestPause = 60000;

  var refusedForEver = { bad_message: true, too_large: true, id_taken: true };
  var refusedForNow = { busy: true, not_stored: true, rate: true };

  function now() {
    return new Date().getTime();
  }

  // Without a speaker's id, a message of an earlier connection cannot be told from a later one with the same text.
  function canBeHeard(message, speaker, offset) {
    if (message.attempt === 0 || message.heard || message.refused) {
      return false;
    }
    if (typeof message.offset === "number" && typeof offset === "number") {
      return message.offset === offset;
    }
    return speaker ? message.speakers[speaker] === true : message.state === "sending" || message.state === "done";
  }

  function withoutValue() {
    return undefined;
  }

  // transmit(text, key, answered) sends; changed(message) tells of a message in a new state; held(why) tells that all
  // wait, and for what, and held(null) that they go on.
  function Outbox(transmit, changed, held) {
    this.transmit = transmit;
    this.changed = changed;
    this.held = held || withoutValue;
    this.pace = new Crier.Pace();
    this.open = false;
    this.speaker = "";
    this.owner = "";
    this.messages = [];
    this.answeredAt = 0;
    this.refusals = 0; // in a row, for now
    this.timer = null; // until the next may be sent
    this.pause = null; // until the server may be asked again
  }

  // Makes a message of these values; what is left out has its first value.
  function make(values) {
    return {
      text: values.text, key: values.key, name: values.name || "", at: values.at, owner: values.owner || "",
      state: values.state || "waiting", why: values.why || null, attempt: values.attempt || 0,
      speakers: values.speakers || {}, refused: values.refused === true, final: false, losses: 0,
      offset: null, heard: false
    };
  }

  // name is what the speaker is called at present.
  Outbox.prototype.say = function (text, name) {
    var message = make({ text: text, key: now().toString(36) + "-" + Crier.random(20), name: name, at: now() });
    this.put(message);
    this.changed(message);
    this.flush();
    return message;
  };

  // Takes up what an earlier page has left: values as of make.
  Outbox.prototype.restore = function (values) {
    var message = make(values);
    this.put(message);
    this.changed(message);
  };

  // What is sent makes room for what is not.
  Outbox.prototype.put = function (message) {
    var i;
    for (i = 0; this.messages.length >= longest && i < this.messages.length; i++) {
      if (this.messages[i].state === "done") {
        this.messages.splice(i, 1);
      }
    }
    if (this.messages.length >= longest) {
      message.state = "failed";
      message.why = { code: "full" };
      return;
    }
    this.messages.push(message);
  };

  Outbox.prototype.retry = function (message) {
    if (message.state !== "failed" || message.final) {
      return;
    }
    this.forget(message);
    message.owner = "";
    message.losses = 0;
    message.at = now();
    message.state = "waiting";
    message.why = null;
    this.put(message);
    this.changed(message);
    this.flush();
  };

  // speaker is the id that others see, "" if the server tells none; owner is by what the server knows whose keys these
  // are.
  Outbox.prototype.start = function (speaker, owner) {
    this.open = true;
    this.speaker = speaker;
    this.owner = owner;
    this.flush();
  };

  // blameless: the connection did not end for what was sent.
  Outbox.prototype.stop = function (blameless) {
    var all = this.messages.slice();
    var i;
    this.open = false;
    for (i = 0; i < all.length; i++) {
      if (all[i].state === "sending") {
        this.lose(all[i], blameless);
      }
    }
  };

  Outbox.prototype.lose = function (message, blameless) {
    message.losses += blameless ? 0 : 1;
    if (message.losses >= mostLosses) {
      this.become(message, "failed", { code: "lost_each_time" });
    } else {
      this.become(message, "waiting");
    }
  };

  Outbox.prototype.flush = function () {
    var message = this.open ? this.next() : null;
    while (message && this.hasRoom(message) && this.isTime(message)) {
      this.send(message);
      message = this.open ? this.next() : null;
    }
  };

  // The first that waits. What another owner has sent already is set aside.
  Outbox.prototype.next = function () {
    var all = this.messages.slice();
    var i;
    for (i = 0; i < all.length; i++) {
      if (all[i].state === "waiting" && all[i].owner && all[i].owner !== this.owner) {
        this.become(all[i], "failed", { code: "unsure" });
      } else if (all[i].state === "waiting") {
        return all[i];
      }
    }
    return null;
  };

  // One with which the connection has ended goes alone: then it is known whether it was the cause. So does the first
  // after the server asked to wait.
  Outbox.prototype.hasRoom = function (message) {
    var under = 0;
    var i;
    for (i = 0; i < this.messages.length; i++) {
      if (this.messages[i].state === "sending") {
        under++;
        if (this.messages[i].losses) {
          return false;
        }
      }
    }
    return under === 0 || under < together && !message.losses && !this.refusals;
  };

  Outbox.prototype.isTime = function (message) {
    var self = this;
    var wait = this.pace.wait(message.text);
    clearTimeout(this.timer);
    if (this.pause !== null) {
      return false;
    }
    if (wait > 0) {
      this.timer = setTimeout(function () { self.flush(); }, wait);
    }
    return wait <= 0;
  };

  Outbox.prototype.send = function (message) {
    var self = this;
    var attempt = ++message.attempt;
    this.pace.spend(message.text);
    message.speakers[this.speaker] = true;
    message.owner = this.owner;
    message.refused = false;
    this.become(message, "sending");
    this.await(message, attempt, answerWait);
    this.transmit(message.text, message.key, function (answer) { self.answered(message, attempt, answer); });
  };

  // While answers to others come, the server is only slow.
  Outbox.prototype.await = function (message, attempt, wait) {
    var self = this;
    var began = now();
    message.timer = setTimeout(function () {
      if (message.state !== "sending" || message.attempt !== attempt) {
        return;
      }
      if (self.answeredAt > began) {
        self.await(message, attempt, Math.max(1, self.answeredAt + answerWait - now()));
      } else {
        self.become(message, "failed", { code: "unsure" });
        self.flush();
      }
    }, wait);
  };

  Outbox.prototype.answered = function (message, attempt, answer) {
    var error = answer && answer.error;
    this.answeredAt = now();
    if (message.state === "done") {
      return;
    }
    if (!error) {
      message.offset = answer && typeof answer.offset === "number" ? answer.offset : null;
      this.refusals = 0;
      this.become(message, "done");
    } else if (message.attempt === attempt) {
      this.refuse(message, error);
    }
    this.flush();
  };

  Outbox.prototype.refuse = function (message, error) {
    var why = { code: String(error.code || ""), message: String(error.message || error.code || error) };
    message.refused = true;
    message.losses = 0;
    message.final = refusedForEver[why.code] === true;
    if (refusedForNow[why.code] === true) {
      this.become(message, "waiting", why);
      this.hold(why);
    } else {
      this.become(message, "failed", why);
    }
  };

  // Nothing is sent for a while, which is longer each time.
  Outbox.prototype.hold = function (why) {
    var self = this;
    if (this.pause !== null) {
      return;
    }
    this.refusals++;
    this.pause = setTimeout(function () {
      self.pause = null;
      self.held(null);
      self.flush();
    }, Crier.pause(this.refusals, firstPause, longestPause));
    this.held(why);
  };

  // The server says that it is too much.
  Outbox.prototype.slow = function () {
    this.pace.drain();
  };

  Outbox.prototype.become = function (message, state, why) {
    clearTimeout(message.timer);
    message.state = state;
    message.why = why || null;
    message.losses = state === "done" ? 0 : message.losses;
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

  // Its copy has come already, or does not come.
  Outbox.prototype.settle = function (message) {
    message.heard = true;
    this.forget(message);
  };

  // Finds the message whose copy came back from this speaker ("" if the news does not tell); null when it is none of
  // these.
  Outbox.prototype.hear = function (text, speaker, at, offset) {
    var i;
    var message;
    for (i = 0; i < this.messages.length; i++) {
      message = this.messages[i];
      if (message.text === text && canBeHeard(message, speaker, offset)) {
        message.heard = true;
        message.at = at;
        this.become(message, "done");
        this.flush();
        return message;
      }
    }
    return null;
  };

  Crier.Outbox = Outbox;
})(window.Crier = window.Crier || {});

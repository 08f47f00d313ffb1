// The page: who tells whom. Each part knows its own concern only.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var link = null;
  var timeline = new Crier.Timeline(dom.byId("log"), dom.byId("empty"));
  var unread = new Crier.Unread(timeline, dom.byId("jump"));
  var status = new Crier.Status(act);
  var place = new Crier.Place();
  var notice = new Crier.Notice();
  var speaker = new Crier.Speaker(emit, function () { return place.missed(); }, registered, heldBy("joinLater"));
  var past = new Crier.Past(timeline, askPast, function (entry) { return entryOf(entry.data, entry); }, pastFailed);
  var outbox = new Crier.Outbox(transmit, changedOwn, heldBy("later"));

  function emit(event, argument, options, answered) {
    if (link && link.socket.connected) {
      link.socket.emit(event, argument, options, answered);
    }
  }

  function transmit(text, key, answered) {
    link.socket.send(text, { id: key }, answered);
  }

  function registered(answer) {
    Crier.kept.addId(speaker.id);
    place.begin(answer);
    if (typeof answer.first === "number") {
      past.start(answer.first);
    }
    outbox.start(speaker.id, speaker.owner);
  }

  function askPast(options, answered) {
    if (link.socket.connected) {
      link.socket.emit("history", options, answered);
    }
  }

  function pastFailed(why) {
    notice.tell("pastLater", why);
  }

  // While the last that was said is still coming, it is not known what is before it.
  function lookBack() {
    if (place.isCaughtUp()) {
      past.look();
    }
  }

  function watchTimeline() {
    var look = timeline.scrolled;
    timeline.scrolled = function () {
      look();
      lookBack();
    };
    timeline.settled = lookBack;
  }

  // Returns what tells the reader that something waits, and why; and with null that it goes on.
  function heldBy(key) {
    return function (why) {
      if (why) {
        notice.hold(key, why);
      } else {
        notice.clear();
      }
    };
  }

  // The server lets know that it is too much, or what it takes offence at. Where it ends the connection for that, the
  // link tells it too.
  function warned(warning) {
    if (warning) {
      notice.tell("warned", warning);
      outbox.slow();
    }
  }

  function act(why) {
    if (why === "missing") {
      window.location.reload();
    } else if (link) {
      link.retry();
    }
  }

  function say(text) {
    unread.clearLine();
    timeline.toEnd();
    outbox.say(text, speaker.name);
  }

  function changedOwn(message) {
    Crier.kept.note(message);
    if (message.state === "done" && !message.heard && place.isPast(message.offset)) {
      outbox.settle(message);
      adopt(message);
    }
    drawOwn(message);
  }

  // An own message that was said before: an earlier page sent it, or another one of this browser. Where it is shown
  // already, it stays.
  function adopt(message) {
    var shown = timeline.find(message.offset);
    if (shown && shown !== message.entry) {
      if (message.entry) {
        timeline.take(message.entry);
      }
      shown.own();
      message.entry = shown;
      message.at = shown.at.getTime();
    }
  }

  // Shows an own message as it is now, and where: one that is not out yet floats behind what others say.
  function drawOwn(message) {
    var entry = message.entry;
    var floats = message.state === "waiting" || message.state === "sending";
    var isNew = !entry;
    if (isNew) {
      entry = message.entry = new Crier.Entry({
        id: "own", name: message.name || speaker.name, text: message.text, at: message.at, mine: true
      });
    }
    entry.setTime(message.at);
    entry.setState(message, function () { outbox.retry(message); });
    if (isNew || floats && !entry.floating) {
      entry.floating = floats;
      timeline.place(entry);
    }
    entry.floating = floats;
    timeline.dressAgain(entry);
    timeline.settleSoon();
  }

  // The room's order is the order in which news comes; an own message takes the place of its copy.
  function hear(data, meta) {
    var known = meta && typeof meta === "object" ? meta : {};
    var id = typeof known.id === "string" ? known.id : "";
    var at = typeof known.at === "number" && isFinite(known.at) ? known.at : new Date().getTime();
    var message;
    if (!place.pass(known.offset)) {
      return;
    }
    message = typeof data === "string" ? outbox.hear(data, id, at, known.offset) : null;
    if (message) {
      message.entry.offset = known.offset;
      if (!timeline.isPlaced(message.entry)) {
        timeline.place(message.entry);
      }
      return;
    }
    showNews(entryOf(data, { id: id, at: at, from: known.from, offset: known.offset }));
  }

  function entryOf(data, known) {
    var mine = known.id === speaker.id && known.id !== "" || Crier.kept.isOwn(known.id);
    return new Crier.Entry({
      id: mine ? "own" : known.id, name: typeof known.from === "string" ? known.from : "",
      text: Crier.Entry.readable(data), at: known.at, mine: mine, offset: known.offset
    });
  }

  function showNews(entry) {
    entry.setGap(place.takeGap());
    timeline.place(entry);
    if (!entry.mine && !place.isOld(entry.offset)) {
      unread.add(entry);
    }
  }

  function changed(state) {
    var wasLive = document.documentElement.getAttribute("data-state") === "live";
    document.documentElement.setAttribute("data-state", state.name);
    status.set(state);
    timeline.settleSoon();
    if (state.name === "live" && !wasLive) {
      speaker.join();
    } else if (state.name !== "live" && wasLive) {
      notice.clear();
      past.stop();
      outbox.stop(state.blameless);
      outbox.slow();
      speaker.lost();
    }
  }

  function translate() {
    status.draw();
    notice.draw();
    unread.refresh();
    speaker.translate();
    timeline.translate();
  }

  function start(io, options) {
    if (!io) {
      changed({ name: "offline", transport: "", why: "missing", retryAt: 0 });
      return;
    }
    // Clients before 3.x do not tell it; there the secret comes with the registration alone.
    options.auth = function (tell) { tell({ name: speaker.name, secret: Crier.secret() }); };
    link = new Crier.Link(io, options, changed, Crier.askWhy);
    link.socket.on("news", hear);
    link.socket.on("warning", warned);
  }

  function restore() {
    var kept = Crier.kept.messages();
    var i;
    for (i = 0; i < kept.length; i++) {
      outbox.restore(kept[i]);
    }
  }

  Crier.tools.start();
  Crier.words.watch(translate);
  Crier.composer = new Crier.Composer(say);
  watchTimeline();
  restore();
  Crier.client.load(start);
})(window.Crier = window.Crier || {});

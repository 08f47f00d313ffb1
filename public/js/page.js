// The page: who tells whom. Each part knows its own concern only.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var link = null;
  var timeline = new Crier.Timeline(dom.byId("log"), dom.byId("empty"));
  var unread = new Crier.Unread(timeline, dom.byId("jump"));
  var status = new Crier.Status(act);
  var place = new Crier.Place();
  var speaker = new Crier.Speaker(emit, function () { return place.missed(); }, registered);
  var outbox = new Crier.Outbox(transmit, drawOwn);

  function emit(event, argument, options, answered) {
    if (link && link.socket.connected) {
      link.socket.emit(event, argument, options, answered);
    }
  }

  function transmit(text, key, answered) {
    link.socket.send(text, { id: key }, answered);
  }

  function registered(answer) {
    place.begin(answer);
    outbox.start(speaker.id, speaker.name);
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
    outbox.say(text);
  }

  // Shows an own message as it is now, and where: one that is not out yet floats behind what others say.
  function drawOwn(message) {
    var entry = message.entry;
    var floats = message.state === "waiting" || message.state === "sending";
    var isNew = !entry;
    if (isNew) {
      entry = message.entry = new Crier.Entry({
        id: "own", name: speaker.name, text: message.text, at: message.at, mine: true
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
    message = typeof data === "string" ? outbox.hear(data, id, at) : null;
    if (message) {
      if (!timeline.isPlaced(message.entry)) {
        timeline.place(message.entry);
      }
      return;
    }
    showNews(data, id, at, typeof known.from === "string" ? known.from : "", place.isOld(known.offset));
  }

  function showNews(data, id, at, from, old) {
    var mine = id !== "" && id === speaker.id;
    var entry = new Crier.Entry({
      id: mine ? "own" : id, name: from, text: Crier.Entry.readable(data), at: at, mine: mine
    });
    entry.setGap(place.takeGap());
    timeline.place(entry);
    if (!mine && !old) {
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
      outbox.stop();
      speaker.lost();
    }
  }

  function translate() {
    status.draw();
    unread.refresh();
    speaker.translate();
    timeline.translate();
  }

  function start(io, options) {
    if (!io) {
      changed({ name: "offline", transport: "", why: "missing", retryAt: 0 });
      return;
    }
    link = new Crier.Link(io, options, changed);
    link.socket.on("news", hear);
  }

  Crier.tools.start();
  Crier.words.watch(translate);
  Crier.composer = new Crier.Composer(say);
  Crier.client.load(start);
})(window.Crier = window.Crier || {});

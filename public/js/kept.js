// What this browser keeps of the reader's messages across a reload: those that are not known to be sent, with the keys
// by which each counts once; and the ids that others knew this reader by, which tell whose the shown messages are. All
// pages of one browser keep it together. A message that two of them send has one key, so it is said once.
(function (Crier) {
  "use strict";

  var mostMessages = 100;
  var mostCharacters = 200000;
  var mostIds = 200;
  // What is older is not sent by itself: nobody expects it any more.
  var fresh = 12 * 3600 * 1000;
  var longest = 7 * 24 * 3600 * 1000;

  function read(key) {
    var list;
    try {
      list = JSON.parse(Crier.memory.get(key));
    } catch (unreadable) {
      list = null;
    }
    return Object.prototype.toString.call(list) === "[object Array]" ? list : [];
  }

  function store(key, list) {
    Crier.memory.set(key, list.length ? JSON.stringify(list) : "");
  }

  function isMessage(one) {
    return Boolean(one) && typeof one.text === "string" && typeof one.key === "string" && typeof one.at === "number" &&
      Boolean(one.speakers) && typeof one.speakers === "object";
  }

  function valuesOf(message) {
    var kept = { waiting: "waiting", sending: "waiting", failed: "failed" };
    return {
      text: message.text, key: message.key, name: message.name, at: message.at, owner: message.owner,
      state: kept[message.state], why: message.why, attempt: message.attempt, speakers: message.speakers,
      refused: message.refused
    };
  }

  function readMessages() {
    var list = read("outbox");
    var found = [];
    var i;
    for (i = 0; i < list.length; i++) {
      if (isMessage(list[i])) {
        found.push(list[i]);
      }
    }
    return found;
  }

  // Call it with each new state of a message. One for which there is no room is not kept.
  function note(message) {
    var list = readMessages();
    var room = mostCharacters - message.text.length;
    var place = list.length;
    var i;
    for (i = 0; i < list.length; i++) {
      if (list[i].key === message.key) {
        place = i;
      } else {
        room -= list[i].text.length;
      }
    }
    if (message.state === "done" || message.final) {
      list.splice(place, 1);
    } else if (place < mostMessages && room >= 0) {
      list[place] = valuesOf(message);
    }
    store("outbox", list);
  }

  // What is to be taken up again, in the order in which it was said.
  function messages() {
    var list = readMessages();
    var found = [];
    var i;
    var age;
    for (i = 0; i < list.length; i++) {
      age = new Date().getTime() - list[i].at;
      if (age > fresh && list[i].state !== "failed") {
        list[i].state = "failed";
        list[i].why = { code: "old" };
      }
      if (age < longest) {
        found.push(list[i]);
      }
    }
    store("outbox", found);
    return found;
  }

  // Ids are read anew when another page of this browser may have added some.
  var ids = null;

  function isOwn(id) {
    ids = ids || read("ids");
    return id !== "" && ids.indexOf(id) >= 0;
  }

  function addId(id) {
    if (id && !isOwn(id)) {
      ids = read("ids").concat([id]).slice(-mostIds);
      store("ids", ids);
    }
  }

  Crier.dom.on(window, "storage", function () { ids = null; });

  Crier.kept = { note: note, messages: messages, isOwn: isOwn, addId: addId };
})(window.Crier = window.Crier || {});

// One WebSocket at a time: from the call to its end, and whose wish the end was. No view of it here.
(function (Crier) {
  "use strict";

  // After "close" a browser waits for the other side's answer, Chromium for a minute. A side that has just failed to
  // answer is given this long.
  var patience = 3000;

  // told hears of everything, each time with the socket that it is about:
  //
  //   calling(url, protocols)      refused(error)     what the browser does not even try, or not take
  //   opened()                     heard(data)
  //   failed()                     closed(ending)     {code, reason, clean, asked, givenUp}
  function Connection(told) {
    this.told = told;
    this.socket = null;
    this.asked = false;
    this.timer = null;
  }

  Connection.prototype.isOpen = function () {
    return this.readyState() === 1;
  };

  // -1 before there is a socket.
  Connection.prototype.readyState = function () {
    return this.socket ? this.socket.readyState : -1;
  };

  Connection.prototype.bufferedAmount = function () {
    return this.socket ? this.socket.bufferedAmount : 0;
  };

  // A socket that is connecting or open stays the only one; one that is still closing is left to the browser.
  Connection.prototype.open = function (url, protocols, binaryType) {
    var state = this.readyState();
    if (state === 0 || state === 1) {
      return;
    }
    this.leave();
    this.asked = false;
    this.told.calling(url, protocols);
    try {
      this.socket = protocols.length ? new window.WebSocket(url, protocols) : new window.WebSocket(url);
    } catch (error) {
      this.told.refused(error);
      return;
    }
    this.socket.binaryType = binaryType;
    this.listen(this.socket);
  };

  Connection.prototype.listen = function (socket) {
    var self = this;
    var told = this.told;
    socket.onopen = function () { told.opened(); };
    socket.onmessage = function (event) { told.heard(event.data); };
    socket.onerror = function () { told.failed(); };
    socket.onclose = function (event) {
      self.ended({ code: event.code, reason: event.reason, clean: event.wasClean, givenUp: false });
    };
  };

  Connection.prototype.ended = function (ending) {
    clearTimeout(this.timer);
    ending.asked = this.asked;
    this.told.closed(ending);
  };

  Connection.prototype.leave = function () {
    clearTimeout(this.timer);
    if (this.socket) {
      this.socket.onopen = this.socket.onmessage = this.socket.onerror = this.socket.onclose = null;
      this.socket = null;
    }
  };

  // Says whether the browser took it.
  Connection.prototype.send = function (data) {
    if (!this.isOpen()) {
      return false;
    }
    try {
      this.socket.send(data);
      return true;
    } catch (error) {
      this.told.refused(error);
      return false;
    }
  };

  Connection.prototype.setBinaryType = function (binaryType) {
    if (this.socket) {
      this.socket.binaryType = binaryType;
    }
  };

  // The user's wish. A code of 0 is none.
  Connection.prototype.close = function (code, reason) {
    this.asked = true;
    this.shut(code, reason);
  };

  // Not the user's wish: the other side does not answer, and may not answer the close frame either.
  Connection.prototype.drop = function (code, reason) {
    var self = this;
    this.shut(code, reason);
    clearTimeout(this.timer);
    this.timer = setTimeout(function () { self.giveUp(); }, patience);
  };

  Connection.prototype.giveUp = function () {
    this.leave();
    this.ended({ code: 1006, reason: "", clean: false, givenUp: true });
  };

  Connection.prototype.shut = function (code, reason) {
    if (!this.socket) {
      return;
    }
    try {
      if (code) {
        this.socket.close(code, reason);
      } else {
        this.socket.close();
      }
    } catch (error) {
      this.told.refused(error);
    }
  };

  Crier.Connection = Connection;
})(window.Crier = window.Crier || {});

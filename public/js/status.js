// The link's state, for the reader: a pill that says it in two words, and a banner with what can be done about it.
// Only the pill is read out; a countdown that is read out each second helps nobody.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  function say(key, values) {
    return Crier.words.say(key, values);
  }

  // Link states with a banner: what it says, with a reason and without one, and what its button does.
  var banners = {
    kicked: { words: "kicked", because: "kickedFor", act: "connectAgain" },
    missing: { words: "missing", act: "reload" },
    lost: { words: "lost", because: "lostFor", act: "retryNow" },
    device: { words: "device", act: "retryNow" },
    refused: { words: "refusedPlain", because: "refused", act: "retryNow" }
  };

  // act(why) runs when the reader presses the banner's button.
  function Status(act) {
    var self = this;
    this.state = { name: "connecting", attempt: 0, transport: "", why: "", reason: "", retryAt: 0 };
    this.timer = null;
    this.said = "";
    dom.on(dom.byId("banner-act"), "click", function () { act(self.state.why); });
  }

  Status.prototype.set = function (state) {
    this.state = state;
    this.draw();
  };

  Status.prototype.draw = function () {
    var self = this;
    var text = this.words();
    dom.byId("state").className = this.state.name;
    // The same words again would be read out again.
    if (this.said !== text) {
      this.said = text;
      dom.text(dom.byId("state-text"), text);
    }
    clearInterval(this.timer);
    this.timer = this.state.retryAt ? setInterval(function () { self.drawBanner(); }, 250) : null;
    this.drawBanner();
  };

  Status.prototype.words = function () {
    var words = say(this.state.name, { n: this.state.attempt });
    return this.state.transport ? words + " · " + this.state.transport : words;
  };

  Status.prototype.drawBanner = function () {
    var banner = banners[this.state.why];
    var trying = this.state.name === "reconnecting" && !this.state.retryAt;
    dom.show(dom.byId("banner"), Boolean(banner));
    if (!banner) {
      return;
    }
    dom.text(dom.byId("banner-text"), trying ? say("trying") : this.bannerWords(banner));
    dom.text(dom.byId("banner-act"), say(banner.act));
    dom.byId("banner-act").disabled = trying;
  };

  Status.prototype.bannerWords = function (banner) {
    var left = Math.max(1, Math.ceil((this.state.retryAt - new Date().getTime()) / 1000));
    var reason = Crier.reason(this.state.reason);
    return say(reason && banner.because ? banner.because : banner.words, { n: left, reason: reason });
  };

  Crier.Status = Status;
})(window.Crier = window.Crier || {});

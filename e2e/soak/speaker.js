"use strict";

// A client of the run: it says numbered things, says again what was not acknowledged once it is back, and asks for what it
// missed. What carries its words (Socket.IO of some version, plain WebSocket) is its link:
//
//   link.open()                        connects, and comes back by itself until it is closed
//   link.ask(event, args, answer)      answer(object) at most once
//   link.leave(ms), link.close()       goes by itself, for a while or for good
//   link.queues                        it says again by itself what was not answered, each event of the queue once the one
//                                      before it is answered
//
// and the link calls up(recovered), down(reason) and news(data, meta).

const { Random } = require("./random");
const { brief } = require("./record");

const NAME = "soak";
// Few enough that no limit on a client's rate is near when all of them are said again.
const WINDOW = 32;
// Longer than any stall of the plan: what is not answered by then on a connection that lasts was lost.
const ANSWER_MS = 30_000;
const AGAIN_MS = 300;

class Speaker {
  #outbox = []; // said and not acknowledged, in order: {n, id, data, sent}
  #said = 0;
  #connection = 1; // which one this is, or the next will be; 0 in `sent` means on none
  #up = false;
  #registered = false; // on this connection
  #before = false; // on the connection before
  #current = {}; // what f would ask for now
  #last; // the offset up to which it has heard everything
  #random;

  // `every` is the mean time between two messages in milliseconds, `size` how many a burst has, `most` how many it says in
  // all; `history` is how many of the last messages its first registration asks for; `word` is what its texts are made of.
  constructor({ seed, index, kind, record, every, size, most, history, word }) {
    Object.assign(this, { index, kind, record, every, size, most, history, word });
    this.newest = 0; // the highest offset of what it said
    this.name = `${NAME} ${index} ${kind}`;
    this.#random = new Random(seed, `speaker ${index}`);
    if (history) this.#current.history = history;
    this.counts = { said: 0, acked: 0, heard: 0, connections: 0, recoveries: 0, again: 0, declined: 0 };
  }

  start(link) {
    this.link = link;
    link.open();
    this.#later();
  }

  // No new messages of its own accord from here on; what was said is still brought to its end.
  finish() {
    clearTimeout(this.talking);
    this.finished = true;
    this.most = Infinity; // it may be asked for one more
  }

  async stop() {
    this.finish();
    if (!this.stopped) this.link.close();
    this.stopped ??= this.record.close();
    await this.stopped;
  }

  // Nothing is open any more, and the feed was heard up to an offset.
  quiet(offset) {
    return this.#registered && this.#outbox.length === 0 && this.#last >= offset;
  }

  // It was registered once.
  get entered() {
    return this.#last !== undefined;
  }

  state() {
    const where = this.#registered ? "registered" : this.#up ? "connected" : "away";
    return `${where}, ${this.#outbox.length} not acknowledged, heard up to ${this.#last}`;
  }

  burst() {
    if (!this.finished) for (let i = 0; i < this.size; i++) this.#new();
    this.#pump();
  }

  say() {
    this.#new();
    this.#pump();
  }

  #later() {
    const pause = this.every * 2 * this.#random.next();
    this.talking = setTimeout(() => {
      this.say();
      if (!this.finished) this.#later();
    }, pause);
  }

  // A number, or a text: both are good ids.
  #new() {
    if (this.#said >= this.most) return;
    const n = this.#said++;
    const data = { by: this.name, n, text: this.#text() };
    this.#outbox.push({ n, id: this.index % 2 ? n : `${this.index}-${n}`, data, sent: 0 });
  }

  #text() {
    const length = this.#random.weighted({ 40: 90, 1000: 9, 20000: 1 });
    return this.word.repeat(this.#random.between(0, Math.floor(length / this.word.length)));
  }

  up(recovered) {
    this.#up = true;
    this.counts.connections++;
    this.record.note("connected", { recovered });
    if (recovered) this.counts.recoveries++;
    if (recovered && this.#before) this.#resume();
    else this.#register();
  }

  down(reason) {
    this.#connection++;
    this.#before = this.#registered;
    this.#up = this.#registered = false;
    this.record.note("disconnected", { reason: String(reason) });
  }

  #register() {
    const wish = this.#wish();
    this.record.note("asked", wish);
    const sent = this.link.queues ? this.#current : wish;
    this.#ask({ f: true }, "f", [this.name, sent], (answer) => {
      if (answer.error) return this.#refused(answer.error);
      const { offset, id, complete } = answer;
      this.record.note("registered", { offset, id, complete, ...wish });
      this.#heardUpTo(this.#last ?? Math.max(0, offset - (this.history || 0)));
      this.#resume();
    });
  }

  #wish() {
    if (this.#last !== undefined) return { since: this.#last };
    return this.history ? { history: this.history } : {};
  }

  // What waits in a link's queue is sent as it is then: an old since would bring again what was heard meanwhile.
  #heardUpTo(offset) {
    this.#last = offset;
    delete this.#current.history;
    this.#current.since = offset;
  }

  #refused(error) {
    this.record.note("refused", { code: error.code });
    this.#again(() => this.#register());
  }

  #resume() {
    this.#registered = true;
    this.#pump();
  }

  // Asks on this connection, and tells the record if there is no answer though it lasts. What a link that queues was
  // asked is answered on any, in its turn.
  #ask(what, event, args, answer) {
    const connection = this.#connection;
    const here = () => this.#up && connection === this.#connection;
    const late = setTimeout(() => here() && !this.link.queues && this.record.note("unanswered", what), ANSWER_MS).unref();
    this.link.ask(event, args, (given) => {
      clearTimeout(late);
      if (this.link.queues || here()) answer(Object(given));
    });
  }

  #again(action) {
    const connection = this.#connection;
    setTimeout(() => this.#up && connection === this.#connection && action(), AGAIN_MS);
  }

  // Sends what was not sent on this connection, in order, as far as the window allows.
  #pump() {
    if (!this.#registered && !(this.link.queues && this.#last !== undefined)) return;
    for (const message of this.#outbox.slice(0, WINDOW)) if (message.sent !== this.#mark()) this.#send(message);
  }

  // A link that queues has each message but once.
  #mark() {
    return this.link.queues ? -1 : this.#connection;
  }

  #send(message) {
    const { n, id, data } = message;
    if (message.again) this.counts.again++;
    else this.counts.said++;
    this.record.note("said", { n, id, ...(message.again ? { again: true } : { data: brief(data) }) });
    message.again = true;
    message.sent = this.#mark();
    this.#ask({ n }, "message", [data, { id }], (answer) => this.#answered(message, answer));
  }

  #answered(message, { error, offset, at }) {
    if (error) {
      this.counts.declined++;
      this.record.note("declined", { n: message.n, code: error.code });
      return this.#again(() => ((message.sent = 0), this.#pump()));
    }
    this.counts.acked++;
    this.record.note("acked", { n: message.n, offset, at });
    this.newest = Math.max(this.newest, offset || 0);
    this.#outbox.splice(this.#outbox.indexOf(message), 1);
    this.#pump();
  }

  news(data, { offset, from, id, at }) {
    this.counts.heard++;
    this.record.note("heard", { offset, from, id, at, data: brief(data) });
    if (offset > (this.#last ?? -1)) this.#heardUpTo(offset);
  }
}

module.exports = { NAME, Speaker };

package engineio_test

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/engineio"
)

// recoder makes one binary message of all, and counts how often it is asked.
func recoder(asked *atomic.Int64) func([]engineio.Message) []engineio.Message {
	return func(messages []engineio.Message) []engineio.Message {
		asked.Add(1)
		var all [][]byte
		for _, m := range messages {
			all = append(all, m.Data)
		}
		return []engineio.Message{{Binary: true, Data: append([]byte("recoded:"), bytes.Join(all, []byte("+"))...)}}
	}
}

func TestABroadcastIsRecodedOnceForEachForm(t *testing.T) {
	var asked atomic.Int64
	var odd atomic.Bool
	o := engineio.Options{CompressWebSocket: true, Recode: recoder(&asked)}
	h := open(t, o, func(p *peer) {
		if odd.Load() {
			p.Recode()
		}
	})
	var common, recoded []*client
	var peers []*peer
	for _, m := range append(modes, modes...) {
		odd.Store(true)
		recoded = append(recoded, h.connect(m))
		peers = append(peers, h.peer())
		odd.Store(false)
		common = append(common, h.connect(m))
		peers = append(peers, h.peer())
	}
	long := strings.Repeat("long ", 1000)
	prepared := h.sv.Prepare(
		engineio.Message{Data: []byte("new说"), Old: []byte("old")}, engineio.Message{Binary: true, Data: []byte("bytes")},
		engineio.Message{Data: []byte(long)},
	)
	for _, p := range peers {
		if err := p.SendPrepared(&prepared); err != nil {
			t.Error(err)
		}
	}
	if n := int(asked.Load()); n == 0 || n > len(modes) {
		t.Errorf("recoded %d times for %d sessions in %d modes", n, len(recoded), len(modes))
	}
	for _, c := range recoded {
		want := message{true, "recoded:new说+bytes+" + long}
		if c.version == 3 {
			want.data = "recoded:old+bytes+" + long
		}
		if got := c.hear(); got != want {
			t.Errorf("%v heard %.50q, binary %v", c.mode, got.data, got.binary)
		}
	}
	for _, c := range common {
		first := message{data: "new说"}
		if c.version == 3 {
			first.data = "old"
		}
		for _, want := range []message{first, {true, "bytes"}, {data: long}} {
			if got := c.hear(); got != want {
				t.Errorf("%v heard %.50q, want %.50q", c.mode, got.data, want.data)
			}
		}
	}
}

func TestASessionStaysInItsCodingAcrossAnUpgrade(t *testing.T) {
	var asked atomic.Int64
	h := open(t, engineio.Options{Recode: recoder(&asked)}, func(p *peer) { p.Recode() })
	for _, version := range []int{3, 4} {
		c, p := h.join(mode{version, "upgrade"})
		waitFor(t, "the upgrade", func() bool { return p.Transport() == engineio.WebSocket })
		p.say(t, message{data: "a"})
		if got, want := c.hear(), (message{true, "recoded:a"}); got != want {
			t.Errorf("EIO %d: heard %+v", version, got)
		}
	}
}

// Otherwise each message would be kept in more than one form for ever.
func TestWhenNobodyNeedsAnotherFormNoneIsKept(t *testing.T) {
	var asked atomic.Int64
	h := open(t, engineio.Options{Recode: recoder(&asked)}, func(p *peer) { p.Recode() })
	for _, m := range modes {
		_, p := h.join(m)
		if h.sv.Uncommon() == 0 {
			t.Errorf("%v: the session is not counted", m)
		}
		p.Abandon()
		p.expectEnd(t, engineio.ReasonTransportClose)
		p.Recode() // too late
	}
	waitFor(t, "no session is counted", func() bool { return h.sv.Uncommon() == 0 })
}

// A heartbeat may be due in the moment in which the client chooses its coding.
func TestAPingThatMeetsAChangeOfCodingIsReadable(t *testing.T) {
	var asked atomic.Int64
	h := open(t, engineio.Options{Recode: recoder(&asked)}, nil)
	for _, m := range modes {
		c, p := h.join(m)
		if m.transport == "upgrade" {
			waitFor(t, "the upgrade", func() bool { return p.Transport() == engineio.WebSocket })
		}
		if err := p.PingAcrossRecode(); err != nil {
			t.Errorf("%v: %v", m, err)
		}
		got := c.receive()
		for got.kind == '6' {
			got = c.receive()
		}
		if got.kind != '2' || got.data != "" {
			t.Errorf("%v: the client was sent %+v, want a ping", m, got)
		}
		p.say(t, message{data: "a"})
		if got, want := c.hear(), (message{true, "recoded:a"}); got != want {
			t.Errorf("%v: heard %+v", m, got)
		}
	}
}

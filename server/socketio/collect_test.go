package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

func TestEmitWithAckCollectsTheAnswers(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4, poll4, socket3, socket4, socket4)
	for _, p := range peers[:3] {
		go func() { // answers once
			text := p.next().text
			id := strings.TrimSuffix(strings.TrimPrefix(text, "2"), `["how many?"]`)
			p.send(`3` + id + `["` + p.mode.String() + `"]`)
		}()
	}
	answers, err := io.Except(s[3].ID(), s[4].ID()).EmitWithAck(t.Context(), "how many?")
	if err != nil || len(answers) != 3 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	var who []string
	for _, a := range answers {
		var name string
		if err := a.Bind(&name); err != nil {
			t.Error(err)
		}
		who = append(who, name)
	}
	slices.Sort(who)
	if fmt.Sprint(who) != "[EIO3-websocket EIO4-polling EIO4-websocket]" {
		t.Errorf("answers of %v", who)
	}

	// One answers, one leaves, one is kicked, two stay silent.
	collected := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		answers, err := io.EmitWithAck(ctx, "and now?")
		if len(answers) != 1 {
			t.Errorf("%d answers", len(answers))
		}
		collected <- err
	}()
	text := peers[0].next().text
	id := strings.TrimSuffix(strings.TrimPrefix(text, "2"), `["and now?"]`)
	peers[0].send(`3` + id + `[]`)
	peers[0].send(`3` + id + `[]`) // again: once counts
	peers[3].next()
	peers[3].cut()
	peers[4].next()
	s[4].Disconnect(false)
	err = receive(t, collected, "EmitWithAck's end")
	var missing *socketio.MissingAcksError
	if !errors.As(err, &missing) || missing.Missing != 4 || missing.Sent != 5 || missing.Event != "and now?" ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	if want := `socketio: 4 of 5 clients did not acknowledge "and now?": context deadline exceeded`; err.Error() != want {
		t.Errorf("the error is %q", err)
	}
}

func TestEmitWithAckEndsWithTheLastSocket(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4, socket4)
	if answers, err := io.To("nowhere").EmitWithAck(t.Context(), "anybody?"); len(answers) != 0 || err != nil {
		t.Errorf("nobody was asked: %v, %v", answers, err)
	}
	all, one := make(chan error), make(chan error)
	go func() {
		_, err := io.EmitWithAck(context.Background(), "all?")
		all <- err
	}()
	go func() {
		_, err := s[0].EmitWithAck(context.Background(), "one?")
		one <- err
	}()
	peers[0].next()
	peers[0].next()
	peers[1].next()
	peers[0].leave()
	peers[1].send(`1`)
	if err := receive(t, all, "the end"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Error(err)
	}
	if err := receive(t, one, "the end"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Error(err)
	}
	if err := s[0].Emit("after"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("Emit says %v", err)
	}
	if _, err := s[0].EmitWithAck(t.Context(), "after"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("EmitWithAck says %v", err)
	}
}

func TestWhatCannotBeSentIsAnError(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4)
	s[0].Join("room")
	for _, emit := range []func(string, ...any) error{s[0].Emit, io.Emit, io.To("room").Emit, s[0].Volatile().Emit} {
		for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener",
			"removeListener"} {
			if err := emit(name); err == nil || !strings.Contains(err.Error(), "reserved") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := emit("news", func() {}); err == nil || !strings.Contains(err.Error(), "argument 1") {
			t.Errorf("a function as argument: %v", err)
		}
	}
	if _, err := s[0].EmitWithAck(t.Context(), "connect"); err == nil {
		t.Error("a reserved name is emitted with an ack")
	}
	if _, err := io.EmitWithAck(t.Context(), "news", make(chan int)); err == nil {
		t.Error("a channel is emitted")
	}
	if err := s[0].Emit("", `odd "name"`); err != nil {
		t.Error(err)
	}
	peers[0].expect(`2["","odd \"name\""]`) // and nothing before it
}

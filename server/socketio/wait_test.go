package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestAnArgumentCanBeStoredInParts(t *testing.T) {
	for _, test := range []struct {
		raw         string
		attachments []string
	}{{`"x"`, nil}, {` {"a":[1]} `, nil}, {`[{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}]`,
		[]string{"a", "b"}}} {
		var attachments [][]byte
		for _, a := range test.attachments {
			attachments = append(attachments, []byte(a))
		}
		arg, err := socketio.RestoreArg([]byte(test.raw), attachments)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := arg.MarshalJSON()
		raw, parts := arg.Parts()
		again, err := socketio.RestoreArg(raw, parts)
		if got, _ := again.MarshalJSON(); err != nil || string(got) != string(want) || len(parts) != len(attachments) {
			t.Errorf("%s becomes %s of %d parts, %v", test.raw, got, len(parts), err)
		}
	}
	for _, bad := range []string{``, `{`, `"\xff"`, `[{"_placeholder":true,"num":1}]`,
		`[{"_placeholder":true,"num":-1}]`} {
		if _, err := socketio.RestoreArg([]byte(bad), [][]byte{nil}); err == nil {
			t.Errorf("%s is restored", bad)
		}
	}
	alone, err := socketio.RestoreArg([]byte(`[{"_placeholder":true,"num":1}]`),
		[][]byte{[]byte("unused"), []byte("used")})
	if raw, parts := alone.Parts(); err != nil || string(raw) != `[{"_placeholder":true,"num":0}]` || len(parts) != 1 ||
		string(parts[0]) != "used" {
		t.Errorf("with an attachment that is not its own it becomes %s, %q, %v", raw, parts, err)
	}
}

func TestASocketTellsWhatItsClientHasTaken(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		sockets := make(chan *socketio.Socket, 1)
		io.OnConnect(func(s *socketio.Socket) { sockets <- s })
		p := join(t, url, m)
		s := receive(t, sockets, "OnConnect")
		for range 20 {
			if err := s.Emit("page", strings.Repeat("x", 10_000)); err != nil {
				t.Fatal(err)
			}
			p.next()
			if err := s.Flushed(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-s.Done():
			t.Error("it is done")
		default:
		}
		ended := make(chan error, 1)
		s.OnDisconnect(func(socketio.Reason) { ended <- s.Flushed(context.Background()) })
		s.Disconnect(true)
		<-s.Done()
		if err := receive(t, ended, "the end"); !errors.Is(err, socketio.ErrDisconnected) {
			t.Errorf("at the end Flushed says %v", err)
		}
		p.ended()
	})
}

package websocket

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestAMessageMustBeThereInTime(t *testing.T) {
	const limit = 30 * time.Second // the default
	begun := map[string][]byte{
		"fragment":                 clientFrame(false, 0, OpText, "begun"),
		"one byte of a header":     text("a")[:1],
		"half a payload":           text("half a payload")[:10],
		"half a ping":              clientFrame(true, 0, OpPing, "ping")[:8],
		"behind a whole message":   join(text("a"), text("b")[:3]),
		"header of an empty frame": clientFrame(true, 0, OpText, "")[:5],
	}
	for name, first := range begun {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := overPipe(t, UpgradeOptions{})
				done := w.read(&recorder{})
				time.Sleep(time.Hour) // a client that is quiet is not meant
				start := time.Now()
				w.client.Write(first)
				err := <-done
				if took := time.Since(start); codeOf(err) != ClosePolicyViolation || took != limit {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

func TestMoreOfAMessageBuysNoMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipe(t, UpgradeOptions{Limits: ReadLimits{FragmentTimeout: 10 * time.Second}})
		done := w.read(&recorder{})
		start := time.Now()
		w.client.Write(clientFrame(false, 0, OpText, ""))
		stopped := keepSending(w, join(clientFrame(false, 0, OpContinuation, ""), clientFrame(true, 0, OpPing, "")))
		err := <-done
		if took := time.Since(start); codeOf(err) != ClosePolicyViolation || took != 10*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		w.conn.Close()
		<-stopped
	})
}

func TestEachMessageHasTheWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipe(t, UpgradeOptions{Limits: ReadLimits{FragmentTimeout: 10 * time.Second}})
		var r recorder
		done := w.read(&r)
		w.client.Write(text("0")[:3])
		for i := range 5 { // each write ends one message and begins the next
			time.Sleep(9 * time.Second)
			w.client.Write(join(text(fmt.Sprint(i))[3:], text(fmt.Sprint(i + 1))[:3]))
		}
		time.Sleep(9 * time.Second)
		w.client.Write(text("5")[3:])
		time.Sleep(time.Hour)
		w.client.Write(clientFrame(true, 0, OpClose, ""))
		if _, ok := errors.AsType[*CloseError](<-done); !ok {
			t.Error("a message was too late")
		}
		r.expect(t, `text "0"`, `text "1"`, `text "2"`, `text "3"`, `text "4"`, `text "5"`)
	})
}

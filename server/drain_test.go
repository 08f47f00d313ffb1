package server

import (
	"net/http"
	"testing"
	"time"

	"github.com/crier/crier/config"
)

func TestAPollingClientIsToldOfTheDrainAtOnce(t *testing.T) {
	r := start(t, func(c *config.Config) { c.DrainTimeout = 5 * time.Second })
	session := r.open("/socket.io/")
	told := make(chan answer, 1) // whether the poll is there before the drain or comes later, it must hear of it
	go func() {
		got, err := r.tryGet(session)
		if err != nil {
			got.body = err.Error()
		}
		told <- got
	}()

	began := time.Now()
	r.stop()
	if got := <-told; got.status != http.StatusOK || got.body != "1" {
		t.Errorf("the poll is answered with %d %q, want the close packet", got.status, got.body)
	}
	if err := r.wait(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("draining a client that leaves took %v", took)
	}
}

func TestWhileDrainingItIsAliveButNotReadyAndTakesNoNewSessions(t *testing.T) {
	r := start(t, func(c *config.Config) { c.DrainTimeout = time.Second })
	r.open("/socket.io/") // never polls, so the drain waits for it
	r.stop()
	r.until("it is not ready", func() bool { return r.get(ReadyPath).status == http.StatusServiceUnavailable })

	if got := r.get(HealthPath); got.status != http.StatusOK {
		t.Errorf("%s is answered with %d, want 200", HealthPath, got.status)
	}
	r.until("new sessions are refused", func() bool {
		return r.get("/socket.io/?EIO=4&transport=polling").status == http.StatusServiceUnavailable
	})
}

func TestTheDrainEndsInTimeWithAClientThatDoesNotLeave(t *testing.T) {
	for _, timeout := range []time.Duration{0, 300 * time.Millisecond} {
		r := start(t, func(c *config.Config) { c.DrainTimeout = timeout })
		r.open("/socket.io/")
		began := time.Now()
		r.stop()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > timeout+2*time.Second {
			t.Errorf("with a drain timeout of %v the end took %v", timeout, took)
		}
	}
}

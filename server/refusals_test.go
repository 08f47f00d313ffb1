package server

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/origin"
)

func TestARefusedOriginIsLoggedOnceWithTheSettingToChange(t *testing.T) {
	r := start(t, func(c *config.Config) { c.AllowedOrigins = []string{"https://friend.example"} })
	const path = "/socket.io/?EIO=4&transport=polling"
	for _, origin := range []string{"https://a.example", "https://a.example", "https://b.example"} {
		if got := r.get(path, "Origin", origin); got.status != http.StatusForbidden && got.status != http.StatusBadRequest {
			t.Errorf("%s is answered with %d", origin, got.status)
		}
	}
	if got := r.get(path, "Origin", "https://friend.example"); got.status != http.StatusOK {
		t.Errorf("the allowed origin is answered with %d", got.status)
	}
	log := r.log.String()
	if n := strings.Count(log, "allowed_origins"); n != 2 {
		t.Errorf("allowed_origins is in %d lines, want one for each of two origins:\n%s", n, log)
	}
}

func TestTheLinesOfRefusalsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		r := newRefusals(slog.New(slog.NewTextHandler(log, nil)))
		foreign := func(name string) {
			r.note(origin.Refusal{Reason: origin.Foreign, Origin: "https://" + name + ".example"})
		}
		for i := range 1000 {
			foreign(strconv.Itoa(i))
		}
		if n := strings.Count(log.String(), "\n"); n != 10 {
			t.Errorf("of a thousand origins at once %d are in the log, want 10", n)
		}
		r.note(origin.Refusal{Reason: origin.Proxied, Origin: "https://own.example", Host: "127.0.0.1"})
		if !strings.Contains(log.String(), "https://own.example") {
			t.Error("those that are made up hold back the line of a proxy that must be set right")
		}
		for i := range 1000 {
			time.Sleep(time.Second)
			foreign(strconv.Itoa(i))
		}
		time.Sleep(time.Second)
		if foreign("friend"); !strings.Contains(log.String(), "https://friend.example") {
			t.Error("after many that were made up, an honest one is not in the log")
		}
		if n := r.counts.Counts()["foreign"]; n != 2001 {
			t.Errorf("%d are counted, want 2001", n)
		}
	})
}

func TestEachKindOfRefusalHasItsLineItsCountAndItsWords(t *testing.T) {
	r := start(t, nil)
	for _, c := range []struct{ origin, reason, words, setting string }{
		{"https://elsewhere.org", "proxy", "a proxy in front of this server may change it", "proxy_set_header Host $http_host;"},
		{"http://localhost:1", "foreign", "pages of this origin are not allowed here", "allowed_origins"},
		{"null", "null", "such as files", "\\\"null\\\""},
		{"file://", "file", "pages in files", "file://"},
	} {
		got := r.get(handshake, "Origin", c.origin)
		if want := `"reason":"` + c.reason + `"`; got.status != http.StatusForbidden || !strings.Contains(got.body, c.words) || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", c.origin, got.status, got.body)
		}
		if !strings.Contains(r.log.String(), c.setting) || !strings.Contains(r.log.String(), c.origin) {
			t.Errorf("%s: the log says\n%s", c.origin, r.log)
		}
	}
	r.until("the metrics count each", func() bool {
		told := r.get(MetricsPath).body
		for _, reason := range origin.Reasons {
			if !strings.Contains(told, `crier_refused_requests_total{reason="`+string(reason)+`"} 1`) {
				return false
			}
		}
		return strings.Contains(told, `crier_refused_requests_total{reason="host"} 0`)
	})
}

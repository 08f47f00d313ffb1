package server

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/crier/crier/config"
)

func TestAClientIsToldWhatTheServerSeesOfItsOwnRequest(t *testing.T) {
	const path = "/socket.io/" + DiagnosisFile
	read := func(r *running, headers ...string) (d Diagnosis) {
		t.Helper()
		a := r.get(path, headers...)
		if err := json.Unmarshal([]byte(a.body), &d); err != nil || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" ||
			d.Instance == "" || d.At == 0 {
			t.Errorf("%+v, %v", a, err)
		}
		return d
	}
	one, other := start(t, nil), start(t, func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1/32"} })
	d := read(one)
	if _, port, _ := net.SplitHostPort(one.server.Addr().String()); d.Address != "127.0.0.1" || d.Port == 0 || strconv.Itoa(d.Port) == port ||
		d.Trusted || d.Forwarded || d.Unnamed {
		t.Errorf("%+v", d)
	}
	if again := read(one); again.Instance != d.Instance {
		t.Error("an instance has two names")
	}
	if d := read(one, "X-Forwarded-For", "192.0.2.9"); d.Address != "127.0.0.1" || !d.Forwarded || !d.Unnamed {
		t.Errorf("%+v", d)
	}
	if read(other).Instance == d.Instance || !read(other).Trusted {
		t.Errorf("%+v", read(other))
	}
	if d := read(other, "X-Forwarded-For", "192.0.2.9"); d.Address != "192.0.2.9" || d.Trusted || !d.Forwarded || d.Unnamed {
		t.Errorf("%+v", d)
	}
	if a := one.get(path + "?EIO=4&transport=polling"); a.body == "" || a.body[0] != '0' {
		t.Errorf("a client with a path of its own is answered %+v", a)
	}
}

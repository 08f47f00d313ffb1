package socketio_test

import (
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/crier/crier/server/socketio"
)

func TestTheClientIsServedFromTheProgramsFiles(t *testing.T) {
	files := fstest.MapFS{
		"socket.io.js":             {Data: []byte("var io")},
		"socket.io.esm.min.js.map": {Data: []byte("{}")},
		"secret.js":                {Data: []byte("secret")},
	}
	with, err := socketio.New(socketio.Options{Client: files})
	if err != nil {
		t.Fatal(err)
	}
	without, err := socketio.New(socketio.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = with.Close(t.Context()), without.Close(t.Context()) })
	ask := func(io *socketio.Server, method, target, known string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("If-None-Match", known)
		w := httptest.NewRecorder()
		io.ServeHTTP(w, r)
		return w
	}
	first := ask(with, "GET", "/socket.io/socket.io.js", "")
	if first.Code != 200 || first.Body.String() != "var io" || first.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("%d %s %v", first.Code, first.Body, first.Header())
	}
	for _, test := range []struct {
		io             *socketio.Server
		method, target string
		known          string
		status         int
	}{
		{with, "GET", "/socket.io/socket.io.js", first.Header().Get("ETag"), 304},
		{with, "HEAD", "/socket.io/socket.io.esm.min.js.map", "", 200},
		{with, "GET", "/socket.io/socket.io.min.js", "", 404},
		{with, "GET", "/socket.io/secret.js", "", 400},
		{with, "GET", "/socket.io/..%2Fsocket.io.js/x", "", 400},
		{with, "POST", "/socket.io/socket.io.js", "", 400},
		{with, "GET", "/socket.io/?EIO=4&transport=polling", "", 200},
		{without, "GET", "/socket.io/socket.io.js", "", 400},
	} {
		if w := ask(test.io, test.method, test.target, test.known); w.Code != test.status {
			t.Errorf("%s %s: %d %s, want %d", test.method, test.target, w.Code, w.Body, test.status)
		}
	}
}

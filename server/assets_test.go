package server

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/crier/crier/config"
	"github.com/crier/crier/public"
)

func TestEveryFileOfThePageIsServedAsWhatItIs(t *testing.T) {
	r := start(t, nil)
	err := fs.WalkDir(public.Files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		want, _ := fs.ReadFile(public.Files(), name)
		path := "/" + strings.TrimSuffix(name, "index.html")
		got := r.get(path)
		if got.status != http.StatusOK || got.body != string(want) {
			t.Errorf("%s is answered with %d and %d bytes, want %d", path, got.status, len(got.body), len(want))
		}
		if kind := got.header.Get("Content-Type"); kind == "" || kind == "application/octet-stream" {
			t.Errorf("%s has the type %q", path, kind)
		}
		for header, value := range map[string]string{
			"X-Content-Type-Options": "nosniff",
			"Cache-Control":          "no-cache",
			"Referrer-Policy":        "same-origin",
		} {
			if got.header.Get(header) != value {
				t.Errorf("%s has %s %q, want %q", path, header, got.header.Get(header), value)
			}
		}
		if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheBrowserHasIsNotSentAgain(t *testing.T) {
	r := start(t, nil)
	for _, encoding := range []string{"identity", "gzip"} {
		first := r.get("/", "Accept-Encoding", encoding)
		etag := first.header.Get("ETag")
		if !strings.HasPrefix(etag, `"`) {
			t.Fatalf("%s: the ETag is %q, want a strong one", encoding, etag)
		}
		again := r.get("/", "Accept-Encoding", encoding, "If-None-Match", etag)
		if again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("%s: asked again, it is answered with %d and %d bytes, want 304", encoding, again.status, len(again.body))
		}
		other := r.get("/", "Accept-Encoding", encoding, "If-None-Match", `"something else"`)
		if other.status != http.StatusOK {
			t.Errorf("%s: with another ETag it is answered with %d, want 200", encoding, other.status)
		}
	}
}

func TestFilesAreCompressedForThoseThatAcceptIt(t *testing.T) {
	r := start(t, nil)
	plain := r.get("/")
	packed := r.get("/", "Accept-Encoding", "br, gzip;q=0.5")
	if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body) >= len(plain.body) {
		t.Fatalf("got the encoding %q and %d bytes of %d", packed.header.Get("Content-Encoding"), len(packed.body), len(plain.body))
	}
	if packed.header.Get("ETag") == plain.header.Get("ETag") {
		t.Error("both forms have one ETag")
	}
	if plain.header.Get("Vary") != "Accept-Encoding" || packed.header.Get("Vary") != "Accept-Encoding" {
		t.Error("Vary does not say that the answer depends on Accept-Encoding")
	}
	unpacked, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(unpacked); err != nil || string(content) != plain.body {
		t.Errorf("unpacked it is not the page: %v", err)
	}

	off := start(t, func(c *config.Config) { c.HTTPCompression = false })
	if got := off.get("/", "Accept-Encoding", "gzip"); got.header.Get("Content-Encoding") != "" {
		t.Error("compressed although http_compression is off")
	}
}

func TestAcceptEncodingIsReadAsTheStandardSays(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "deflate, gzip": true, "*": true, "br": false, "gzip;q=0": false,
		"gzip; q=0.0": false, "gzip; q=1.0": true, "gzip;q=nonsense": false, "x-gzip": false, "identity;q=1, gzip;q=0": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}

func TestTheClientScriptsAreServedUnderThePathOfSocketIO(t *testing.T) {
	r := start(t, nil)
	const script, sourceMap = "text/javascript; charset=utf-8", "application/json"
	for name, kindWanted := range map[string]string{
		"socket.io.js": script, "socket.io.min.js": script, "socket.io.esm.min.js": script, "socket.io.msgpack.min.js": script,
		"socket.io.js.map": sourceMap, "socket.io.min.js.map": sourceMap, "socket.io.esm.min.js.map": sourceMap,
		"socket.io.msgpack.min.js.map": sourceMap, "2/socket.io.js": script, "2/socket.io.js.map": sourceMap,
		"2/socket.io.slim.js": script, "2/socket.io.dev.js": script, "2/socket.io.slim.dev.js.map": sourceMap,
	} {
		got := r.get("/socket.io/" + name)
		want, _, ok := public.Client(name)
		if !ok {
			if got.status != http.StatusServiceUnavailable || got.body != public.NotBundled {
				t.Errorf("without bundles, %s is answered with %d %q", name, got.status, got.body)
			}
			continue
		}
		if got.status != http.StatusOK || got.body != string(want) {
			t.Errorf("%s is answered with %d and %d bytes, want %d", name, got.status, len(got.body), len(want))
		}
		if kind := got.header.Get("Content-Type"); kind != kindWanted {
			t.Errorf("%s has the type %q", name, kind)
		}
		again := r.get("/socket.io/"+name, "If-None-Match", got.header.Get("ETag"))
		if again.status != http.StatusNotModified {
			t.Errorf("%s, asked again, is answered with %d, want 304", name, again.status)
		}
	}
}

// <script crossorigin> and import ask whether the page's origin may read the script; without CORS headers browsers
// refuse to run it.
func TestPagesOfAllowedOriginsMayReadTheClientScripts(t *testing.T) {
	r := start(t, func(c *config.Config) { c.AllowedOrigins = []string{"https://friend.example"} })
	const path = "/socket.io/socket.io.esm.min.js"
	for _, encoding := range []string{"identity", "gzip"} {
		for origin, want := range map[string]string{
			"https://friend.example": "https://friend.example", "https://foe.example": "", "null": "", "": "", r.url: "",
		} {
			got := r.get(path, "Origin", origin, "Accept-Encoding", encoding)
			again := r.get(path, "Origin", origin, "Accept-Encoding", encoding, "If-None-Match", got.header.Get("ETag"))
			for _, a := range []answer{got, again} {
				if allowed := a.header.Get("Access-Control-Allow-Origin"); allowed != want {
					t.Errorf("%q is answered %d with Access-Control-Allow-Origin %q", origin, a.status, allowed)
				}
				if (a.header.Get("Access-Control-Allow-Credentials") == "true") != (want != "") {
					t.Errorf("%q is answered with %v", origin, a.header)
				}
				if vary := strings.Join(a.header["Vary"], ", "); a.status != http.StatusServiceUnavailable && vary != "Origin, Accept-Encoding" {
					t.Errorf("%q is answered %d with Vary %q", origin, a.status, vary)
				}
			}
		}
	}
	for origin, want := range map[string]string{"https://friend.example": "https://friend.example", "https://foe.example": ""} {
		ask, err := http.NewRequest(http.MethodOptions, r.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ask.Header = http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {"x-build"},
		}
		answer, err := r.client.Do(ask)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if h := answer.Header; answer.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != want ||
			!strings.Contains(h.Get("Access-Control-Allow-Methods"), "GET") || h.Get("Access-Control-Allow-Headers") != "x-build" {
			t.Errorf("%s asks first, and is answered %d %v", origin, answer.StatusCode, h)
		}
	}
}

func TestThePlaygroundIsThereWithAndWithoutTheSlash(t *testing.T) {
	r := start(t, nil)
	page := r.get("/playground/")
	if page.status != http.StatusOK || !strings.Contains(page.body, `href="css/playground.css"`) {
		t.Fatalf("/playground/ is answered with %d %q", page.status, page.body)
	}
	if got := r.get("/playground?a=b"); got.body != page.body {
		t.Errorf("/playground is answered with %d %q", got.status, got.body)
	}

	direct := *r.client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	got, err := direct.Get(r.url + "/playground?a=b")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusPermanentRedirect || got.Header.Get("Location") != "./playground/?a=b" {
		t.Errorf("/playground sends with %d to %q, want 308 to a relative address", got.StatusCode, got.Header.Get("Location"))
	}
}

func TestOnlyThePlaygroundMayConnectToOtherPorts(t *testing.T) {
	r := start(t, nil)
	for path, want := range map[string]bool{"/": false, "/js/page.js": false, "/playground/": true, "/playground/js/page.js": true} {
		policy := r.get(path).header.Get("Content-Security-Policy")
		if got := strings.Contains(policy, " ws://127.0.0.1:* "); got != want || !strings.Contains(policy, "frame-ancestors 'self'") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}
}

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
	for _, name := range []string{"socket.io.js", "socket.io.min.js", "2/socket.io.js"} {
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
		if kind := got.header.Get("Content-Type"); kind != "text/javascript; charset=utf-8" {
			t.Errorf("%s has the type %q", name, kind)
		}
		again := r.get("/socket.io/"+name, "If-None-Match", got.header.Get("ETag"))
		if again.status != http.StatusNotModified {
			t.Errorf("%s, asked again, is answered with %d, want 304", name, again.status)
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

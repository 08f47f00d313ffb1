package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/public"
)

// worthCompressing is the size, in bytes, from which gzip pays: below it the answer fits into one packet anyway.
const worthCompressing = 1024

// mediaTypes names what the files of the page and the client scripts are. The machine's own table is not asked: it
// differs between machines, and a script of the wrong type is not run.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".map":  "application/json",
	".svg":  "image/svg+xml",
	".ico":  "image/x-icon",
	".png":  "image/png",
}

// asset is one file ready to go out.
type asset struct {
	content []byte
	gzipped func() []byte // made when first asked for; nil when only the plain form goes out
	etag    string        // quoted, strong
	kind    string
}

func newAsset(name string, content []byte, etag string, compress bool) *asset {
	kind, known := mediaTypes[path.Ext(name)]
	if !known {
		kind = "application/octet-stream"
	}
	a := &asset{content: content, etag: etag, kind: kind}
	if compress && len(content) > worthCompressing {
		a.gzipped = sync.OnceValue(func() []byte { return gzipped(content) })
	}
	return a
}

func gzipped(content []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // fails only on an unknown level
	_, _ = w.Write(content)                                 // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// ServeHTTP answers with the file, or 304 when the browser has it. Browsers keep what they got and ask each time
// whether it is still the same, so a new Crier shows its new page at once.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", a.kind)
	header.Set("Cache-Control", "no-cache")

	content, etag := a.content, a.etag
	if a.gzipped != nil {
		header.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			header.Set("Content-Encoding", "gzip")
			content, etag = a.gzipped(), strings.TrimSuffix(etag, `"`)+`-gzip"`
		}
	}
	header.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	for item := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		_, weight, weighted := strings.Cut(parameters, "=")
		q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		return !weighted || err == nil && q > 0
	}
	return false
}

// page returns the files of the pages by their URL paths; an index.html is at the path of its folder.
func page(c *config.Config) (map[string]*asset, error) {
	content, etag := public.Index(c.Path)
	assets := map[string]*asset{"/": newAsset("index.html", content, etag, c.HTTPCompression)}
	files := public.Files()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "index.html" {
			return err
		}
		content, err := fs.ReadFile(files, name)
		assets["/"+strings.TrimSuffix(name, "index.html")] = newAsset(name, content, public.ETag(name), c.HTTPCompression)
		return err
	})
	return assets, err
}

// toFolder sends a browser that left out the slash to where the page's links are right. The address is relative, so
// that it holds behind a proxy that has Crier under a path of its own.
func toFolder(w http.ResponseWriter, r *http.Request) {
	folder := "./" + path.Base(r.URL.Path) + "/"
	if r.URL.RawQuery != "" {
		folder += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", folder)
	w.WriteHeader(http.StatusPermanentRedirect)
}

// scripts serves the client scripts of npm that the binary was built with.
type scripts struct {
	compress bool
	assets   sync.Map // string: *asset; holds names that [public.IsClient] knows, so it is bounded
}

// serve answers with the script called name, which [public.IsClient] knows.
func (s *scripts) serve(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if found, ok := s.assets.Load(name); ok {
		found.(*asset).ServeHTTP(w, r)
		return
	}
	content, etag, ok := public.Client(name)
	if !ok {
		notBundled(w)
		return
	}
	made, _ := s.assets.LoadOrStore(name, newAsset(name, content, etag, s.compress))
	made.(*asset).ServeHTTP(w, r)
}

func notBundled(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, public.NotBundled)
}

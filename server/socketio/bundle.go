package socketio

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// clientFiles serves the client's bundles. The zero value serves none.
type clientFiles struct {
	files fs.FS
	known sync.Map // name -> *clientFile, of those that there are
}

type clientFile struct {
	content []byte
	etag    string
}

// serve answers a request for a bundle: socket.io.js, socket.io.min.js, socket.io.esm.min.js and the like, and their
// maps. False: it is for something else.
func (c *clientFiles) serve(w http.ResponseWriter, r *http.Request) bool {
	if c.files == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	name := path.Base(r.URL.Path)
	script := strings.TrimSuffix(name, ".map")
	if !strings.HasPrefix(script, "socket.io.") || !strings.HasSuffix(script, ".js") {
		return false
	}
	f := c.file(name)
	if f == nil {
		http.NotFound(w, r)
		return true
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	if script != name {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Cache-Control", "no-cache") // browsers keep it, and ask each time whether it is still the same
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("ETag", f.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	return true
}

// file returns a file, which is read once.
func (c *clientFiles) file(name string) *clientFile {
	if f, ok := c.known.Load(name); ok {
		return f.(*clientFile)
	}
	content, err := fs.ReadFile(c.files, name)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(content)
	f, _ := c.known.LoadOrStore(name, &clientFile{content, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`})
	return f.(*clientFile)
}

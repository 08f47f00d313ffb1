// Package public holds the web client that is built into the binary: the chat page at "/", the page at "/playground/"
// for those who learn or debug WebSocket, and npm's socket.io-client bundles that any page can load from the
// Socket.IO path.
//
// The pages lie beside this file. The bundles are copied from npm by the build ("make" or, in this folder, "npm ci" and
// "npm run bundle"); a binary that was built without them works for everything else, and [NotBundled] is what it has
// to say when one is asked for.
//
// Everything here is read-only and safe for use by several goroutines.
package public

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html"
	"io/fs"
	"regexp"
	"strings"
	"sync"
)

// NotBundled is the answer to a request for a bundle that the binary was built without. It goes out with status 503.
const NotBundled = "Crier was built without socket.io.js; run make and start the new binary\n"

// Playground is the folder of the playground in [Files], and the path under which its links are right.
const Playground = "/playground/"

// hostName is what a Content-Security-Policy can name: no IPv6 address. What follows the name is the port.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_.-]+)(?::[0-9]*)?$`)

// Policy returns the Content-Security-Policy that the chat page works under with every transport, for a browser that
// asked host, as in the Host header, for it: no inline script or style and no other host. Forms and frames are there
// for JSONP, which posts a form into a frame of its own.
func Policy(host string) string {
	sockets := ""
	if hostName.MatchString(host) {
		sockets = " ws://" + host + " wss://" + host // Safari before 15.4 does not take them for 'self'
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" + sockets +
		"; form-action 'self'; frame-src 'self'; base-uri 'none'"
}

// PlaygroundPolicy returns the Content-Security-Policy of the playground. Under it the page can open a WebSocket to
// every port of host, since endpoints can have ports of their own, and show the pictures that come over it; it is as
// strict as [Policy] otherwise.
func PlaygroundPolicy(host string) string {
	sockets := ""
	if name := hostName.FindStringSubmatch(host); name != nil {
		sockets = " ws://" + name[1] + ":* wss://" + name[1] + ":*"
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'" + sockets +
		"; form-action 'self'; base-uri 'none'"
}

// DefaultPath is where the page looks for Socket.IO when [Index] is not asked for another path.
const DefaultPath = "/socket.io/"

var (
	//go:embed index.html favicon.svg css js playground
	site embed.FS

	// The folder is not called "vendor": Go leaves folders of that name out of a module's archive, and a pattern that
	// matches nothing fails "go install".
	//
	//go:embed client
	bundles embed.FS
)

// asset is one file with the tag that names its content.
type asset struct {
	content []byte
	etag    string
}

var siteAssets = sync.OnceValue(func() map[string]asset { return load(site) })

// bundleFiles maps the names under the Socket.IO path to the embedded files: those of the newest version at the top, as
// every Socket.IO server has them, and those of the older one under its major version. They are all that the packages
// of npm hold.
var bundleFiles = func() map[string]string {
	files := map[string]string{}
	for folder, scripts := range map[string][]string{
		"4": {"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"},
		"2": {"socket.io.js", "socket.io.slim.js", "socket.io.dev.js", "socket.io.slim.dev.js"},
	} {
		prefix := map[string]string{"4": "", "2": "2/"}[folder]
		for _, script := range scripts {
			files[prefix+script] = "client/" + folder + "/" + script
			files[prefix+script+".map"] = "client/" + folder + "/" + script + ".map"
		}
	}
	return files
}()

// Files returns the pages and what they load: index.html, favicon.svg, css, js and playground.
func Files() fs.FS { return site }

// ETag returns the tag (quoted, strong) of a file in [Files], such as "js/page.js"; "" if there is none.
func ETag(name string) string { return siteAssets()[name].etag }

// Index returns the page for a server that has Socket.IO at path, with or without slashes around it, and its tag
// (quoted, strong). An empty path means [DefaultPath].
func Index(path string) (content []byte, etag string) {
	page := siteAssets()["index.html"]
	if path = "/" + strings.Trim(path, "/") + "/"; path == "//" || path == DefaultPath {
		return page.content, page.etag
	}
	text := strings.Replace(string(page.content), pathAttribute(DefaultPath), pathAttribute(path), 1)
	made := newAsset([]byte(text))
	return made.content, made.etag
}

// IsClient tells whether name, the part of a URL behind the Socket.IO path, is one that [Client] can have.
func IsClient(name string) bool {
	_, ok := bundleFiles[name]
	return ok
}

// Client returns the bundle with this name, such as "socket.io.js", "socket.io.esm.min.js", "2/socket.io.js" or one of
// these with ".map", and its tag (quoted, strong). It is read and hashed with each call. It is not ok when the name is
// unknown or the binary was built without the bundle; [IsClient] tells the one from the other.
func Client(name string) (content []byte, etag string, ok bool) {
	return lookUp(bundles, name)
}

func lookUp(files fs.FS, name string) (content []byte, etag string, ok bool) {
	content, err := fs.ReadFile(files, bundleFiles[name])
	if err != nil {
		return nil, "", false
	}
	return content, newAsset(content).etag, true
}

// pathAttribute is relative, so that the page finds the path below any other that a proxy has it under.
func pathAttribute(path string) string {
	return `data-path="` + html.EscapeString(strings.TrimPrefix(path, "/")) + `"`
}

// load reads every file once. The files are embedded, so reading cannot fail.
func load(files fs.FS) map[string]asset {
	assets := make(map[string]asset)
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		assets[name] = newAsset(content)
		return err
	})
	return assets
}

// newAsset names the content by 144 bits of its hash: short in a header, and no two versions ever meet.
func newAsset(content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{content: content, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}
}

package public

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eachFile runs check for every file of the site.
func eachFile(t *testing.T, check func(name string, content []byte)) {
	t.Helper()
	seen := 0
	err := fs.WalkDir(Files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(Files(), name)
		check(name, content)
		seen++
		return err
	})
	if err != nil || seen < 4 {
		t.Fatalf("walked over %d files: %v", seen, err)
	}
}

func TestPageLoadsOnlyWhatIsEmbedded(t *testing.T) {
	page, _ := Index("")
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllSubmatch(page, -1)
	if len(links) < 10 {
		t.Fatalf("found %d links in the page", len(links))
	}
	for _, link := range links {
		if _, err := fs.Stat(Files(), string(link[1])); err != nil {
			t.Errorf("the page links to %q: %v", link[1], err)
		}
	}
}

func TestPageLoadsEveryScriptAndStyle(t *testing.T) {
	page, _ := Index("")
	eachFile(t, func(name string, _ []byte) {
		if name != "index.html" && !bytes.Contains(page, []byte(`"`+name+`"`)) {
			t.Errorf("%s is embedded, and the page does not load it", name)
		}
	})
}

func TestFilesAreUTF8WithoutMark(t *testing.T) {
	eachFile(t, func(name string, content []byte) {
		if !utf8.Valid(content) || bytes.HasPrefix(content, []byte("\xef\xbb\xbf")) || bytes.ContainsRune(content, '\r') {
			t.Errorf("%s is not plain UTF-8 with Unix line ends", name)
		}
	})
	if page, _ := Index(""); !bytes.Contains(page[:200], []byte(`<meta charset="utf-8">`)) {
		t.Error("the page does not tell its encoding early")
	}
}

func TestNoFileRefersToAnotherHost(t *testing.T) {
	hosts := regexp.MustCompile(`(?i)(?:https?:|wss?:)?//[a-z0-9-]+\.[a-z0-9.-]+`)
	eachFile(t, func(name string, content []byte) {
		for _, found := range hosts.FindAllString(string(content), -1) {
			if found != "http://www.w3.org" { // SVG's namespace, which nothing fetches
				t.Errorf("%s refers to %q", name, found)
			}
		}
	})
}

func TestPageKeepsToItsPolicy(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script>|<script [^>]*>[^<]`)
	page, _ := Index("")
	if found := inline.Find(page); found != nil {
		t.Errorf("the page has %q inline, which %q forbids", found, Policy)
	}
	if strings.Contains(Policy, "unsafe") {
		t.Errorf("the policy allows something unsafe: %s", Policy)
	}
}

func TestLockFileNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Error(`package-lock.json has "resolved" addresses; npm must run with this folder's .npmrc`)
	}
}

func TestIndexCarriesThePath(t *testing.T) {
	plain, plainTag := Index("")
	for _, test := range []struct{ path, want string }{
		{"", `data-path="/socket.io/"`},
		{"/", `data-path="/socket.io/"`},
		{"/socket.io", `data-path="/socket.io/"`},
		{"/chat/io/", `data-path="/chat/io/"`},
		{"live", `data-path="/live/"`},
		{`/"><script>`, `data-path="/&#34;&gt;&lt;script&gt;/"`},
	} {
		page, etag := Index(test.path)
		if !bytes.Contains(page, []byte(test.want)) {
			t.Errorf("Index(%q) lacks %s", test.path, test.want)
		}
		if same := bytes.Equal(page, plain); same != (etag == plainTag) {
			t.Errorf("Index(%q): same content %v, same tag %v", test.path, same, etag == plainTag)
		}
	}
}

func TestETagsAreQuotedAndDiffer(t *testing.T) {
	form := regexp.MustCompile(`^"[\w-]{24}"$`)
	seen := map[string]string{}
	eachFile(t, func(name string, _ []byte) {
		etag := ETag(name)
		if !form.MatchString(etag) || seen[etag] != "" {
			t.Errorf("ETag(%q) = %s, also of %q", name, etag, seen[etag])
		}
		seen[etag] = name
	})
	if etag := ETag("no such file"); etag != "" {
		t.Errorf("a file that is not there has the tag %s", etag)
	}
}

func TestClientAnswersByNameOnly(t *testing.T) {
	assets := load(fstest.MapFS{
		"client/README.md":         {Data: []byte("about")},
		"client/4/socket.io.js":    {Data: []byte("four")},
		"client/2/socket.io.js":    {Data: []byte("two")},
		"client/4/socket.io.mjs":   {Data: []byte("not served")},
		"client/2/socket.io.js.md": {Data: []byte("not served")},
	})
	for name, want := range map[string]string{
		"socket.io.js": "four", "2/socket.io.js": "two", "socket.io.min.js": "", "socket.io.mjs": "", "README.md": "",
		"": "", "4/socket.io.js": "", "../client/4/socket.io.js": "", "client/4/socket.io.js": "",
	} {
		content, etag, ok := lookUp(assets, name)
		if string(content) != want || ok != (want != "") || (etag != "") != ok {
			t.Errorf("%q: got %q, %s, %v", name, content, etag, ok)
		}
	}
}

func TestUnbundledIsToldFromUnknown(t *testing.T) {
	empty := load(fstest.MapFS{"client/README.md": {Data: []byte("about")}})
	for name := range bundleFiles {
		if _, _, ok := lookUp(empty, name); ok || !IsClient(name) {
			t.Errorf("%q in a binary without bundles: ok %v, known %v", name, ok, IsClient(name))
		}
	}
	if IsClient("socket.io.mjs") || IsClient("") {
		t.Error("a name that no build serves is taken for a bundle's")
	}
}

// A build either has all bundles, of the versions that package.json pins, or none.
func TestBundlesAreThePinnedVersions(t *testing.T) {
	if _, _, ok := Client("socket.io.js"); !ok {
		if len(bundleAssets()) != 1 {
			t.Errorf("a part of the bundles is missing: %d files", len(bundleAssets()))
		}
		return
	}
	pins := pinned(t)
	for name := range bundleFiles {
		content, _, ok := Client(name)
		version := pins["socket.io-client"]
		if strings.HasPrefix(name, "2/") {
			version = strings.TrimPrefix(pins["socket.io-client-2"], "npm:socket.io-client@")
		}
		if !ok || !strings.HasSuffix(name, ".map") && !bytes.Contains(content[:100], []byte("Socket.IO v"+version+"\n")) {
			t.Errorf("%s is not there in version %s; run \"npm run bundle\"", name, version)
		}
	}
}

func pinned(t *testing.T) map[string]string {
	t.Helper()
	var manifest struct{ Dependencies map[string]string }
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	return manifest.Dependencies
}

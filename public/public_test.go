package public

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
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

// pages returns the pages of the site by their names.
func pages(t *testing.T) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	eachFile(t, func(name string, content []byte) {
		if path.Ext(name) == ".html" {
			found[name] = content
		}
	})
	if len(found) != 2 {
		t.Fatalf("found %d pages, want the chat and the playground", len(found))
	}
	return found
}

// linked returns the files that a page links to, as their names in Files.
func linked(t *testing.T, page string, content []byte) []string {
	t.Helper()
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllSubmatch(content, -1)
	if len(links) < 10 {
		t.Fatalf("found %d links in %s", len(links), page)
	}
	names := make([]string, len(links))
	for i, link := range links {
		names[i] = path.Join(path.Dir(page), string(link[1]))
	}
	return names
}

func TestPagesLoadOnlyWhatIsEmbedded(t *testing.T) {
	for page, content := range pages(t) {
		for _, name := range linked(t, page, content) {
			if _, err := fs.Stat(Files(), name); err != nil {
				t.Errorf("%s links to %q: %v", page, name, err)
			}
		}
	}
}

func TestPagesLoadEveryScriptAndStyle(t *testing.T) {
	loaded := map[string]bool{}
	for page, content := range pages(t) {
		for _, name := range linked(t, page, content) {
			loaded[name] = true
		}
	}
	eachFile(t, func(name string, _ []byte) {
		if path.Ext(name) != ".html" && !loaded[name] {
			t.Errorf("%s is embedded, and no page loads it", name)
		}
	})
}

func TestPagesLinkToEachOther(t *testing.T) {
	all := pages(t)
	for page, link := range map[string]string{"index.html": `<a id="to-playground" href="playground/"`,
		"playground/index.html": `<a href="../"`} {
		if !bytes.Contains(all[page], []byte(link)) {
			t.Errorf("%s lacks %s", page, link)
		}
	}
}

func TestFilesAreUTF8WithoutMark(t *testing.T) {
	eachFile(t, func(name string, content []byte) {
		if !utf8.Valid(content) || bytes.HasPrefix(content, []byte("\xef\xbb\xbf")) || bytes.ContainsRune(content, '\r') {
			t.Errorf("%s is not plain UTF-8 with Unix line ends", name)
		}
	})
	for name, page := range pages(t) {
		if !bytes.Contains(page[:200], []byte(`<meta charset="utf-8">`)) {
			t.Errorf("%s does not tell its encoding early", name)
		}
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

func TestPagesKeepToTheirPolicies(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script>|<script [^>]*>[^<]`)
	for name, page := range pages(t) {
		if found := inline.Find(page); found != nil {
			t.Errorf("%s has %q inline, which its policy forbids", name, found)
		}
	}
	for _, policy := range []string{Policy("localhost:3000"), PlaygroundPolicy("localhost:3000")} {
		if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy,
			"default-src 'none'; script-src 'self'; style-src 'self';") {
			t.Errorf("the policy allows something unsafe: %s", policy)
		}
	}
}

func TestTheChatPageConnectsToWhereItCameFromOnly(t *testing.T) {
	for host, want := range map[string]string{
		"localhost:3000":        " ws://localhost:3000 wss://localhost:3000",
		"[::1]:3000":            "", // a policy cannot name it; 'self' remains
		"a; script-src *":       "",
		"a:80\r\nSet-Cookie: b": "",
	} {
		if policy := Policy(host); !strings.Contains(policy, "; connect-src 'self'"+want+"; form-action") {
			t.Errorf("%q: got %s, want connect-src 'self'%s", host, policy, want)
		}
	}
}

func TestThePlaygroundConnectsToItsOwnHostOnly(t *testing.T) {
	for host, want := range map[string]string{
		"localhost:3000":        " ws://localhost:* wss://localhost:*",
		"crier.example.org":     " ws://crier.example.org:* wss://crier.example.org:*",
		"127.0.0.1:80":          " ws://127.0.0.1:* wss://127.0.0.1:*",
		"[::1]:3000":            "", // a policy cannot name it; 'self' remains
		"":                      "",
		"*":                     "",
		"a; script-src *":       "",
		"a *:80":                "",
		"a:80; img-src *":       "",
		"a:80\r\nSet-Cookie: b": "",
	} {
		policy := PlaygroundPolicy(host)
		if !strings.Contains(policy, "; connect-src 'self'"+want+"; form-action") {
			t.Errorf("%q: got %s, want connect-src 'self'%s", host, policy, want)
		}
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
		{"", `data-path="socket.io/"`},
		{"/", `data-path="socket.io/"`},
		{"/socket.io", `data-path="socket.io/"`},
		{"/chat/io/", `data-path="chat/io/"`},
		{"live", `data-path="live/"`},
		{`/"><script>`, `data-path="&#34;&gt;&lt;script&gt;/"`},
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
	files := fstest.MapFS{
		"client/README.md":         {Data: []byte("about")},
		"client/4/socket.io.js":    {Data: []byte("four")},
		"client/2/socket.io.js":    {Data: []byte("two")},
		"client/4/socket.io.mjs":   {Data: []byte("not served")},
		"client/2/socket.io.js.md": {Data: []byte("not served")},
	}
	for name, want := range map[string]string{
		"socket.io.js": "four", "2/socket.io.js": "two", "socket.io.min.js": "", "socket.io.mjs": "", "README.md": "",
		"": "", "4/socket.io.js": "", "../client/4/socket.io.js": "", "client/4/socket.io.js": "",
	} {
		content, etag, ok := lookUp(files, name)
		if string(content) != want || ok != (want != "") || (etag != "") != ok {
			t.Errorf("%q: got %q, %s, %v", name, content, etag, ok)
		}
	}
}

func TestUnbundledIsToldFromUnknown(t *testing.T) {
	empty := fstest.MapFS{"client/README.md": {Data: []byte("about")}}
	for name := range bundleFiles {
		if _, _, ok := lookUp(empty, name); ok || !IsClient(name) {
			t.Errorf("%q in a binary without bundles: ok %v, known %v", name, ok, IsClient(name))
		}
	}
	if IsClient("socket.io.mjs") || IsClient("") {
		t.Error("a name that no build serves is taken for a bundle's")
	}
}

// A build either has all bundles of the packages, in the versions that package.json pins, or none.
func TestBundlesAreThePinnedVersions(t *testing.T) {
	var files int
	if err := fs.WalkDir(bundles, "client", func(_ string, entry fs.DirEntry, err error) error {
		if !entry.IsDir() {
			files++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := Client("socket.io.js"); !ok && files == 1 {
		return
	}
	if files != 1+len(bundleFiles) {
		t.Errorf("%d files are embedded, want the README and %d bundles; run \"npm run bundle\"", files, len(bundleFiles))
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

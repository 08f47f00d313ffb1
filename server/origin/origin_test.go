package origin

import (
	"strings"
	"testing"
)

func TestAnOriginIsWrittenAsBrowsersWriteIt(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.org":             "https://example.org",
		"https://example.org/":            "https://example.org",
		"HTTPS://Example.ORG":             "https://example.org",
		"https://example.org.":            "https://example.org",
		"https://example.org:443":         "https://example.org",
		"https://example.org:0443":        "https://example.org",
		"https://example.org:":            "https://example.org",
		"https://example.org:80":          "https://example.org:80",
		"http://example.org:080":          "http://example.org",
		"http://localhost:3000":           "http://localhost:3000",
		"http://crier_1:3000":             "http://crier_1:3000",
		"wss://example.org":               "https://example.org",
		"ws://example.org:80":             "http://example.org",
		"https://bücher.example":          "https://xn--bcher-kva.example",
		"https://BÜCHER.example":          "https://xn--bcher-kva.example",
		"https://xn--bcher-kva.example":   "https://xn--bcher-kva.example",
		"https://例え。テスト":                  "https://xn--r8jz45g.xn--zckzah",
		"http://127.0.0.1:8080":           "http://127.0.0.1:8080",
		"http://[2001:DB8:0:0::1]:3000":   "http://[2001:db8::1]:3000",
		"http://[::1]:80":                 "http://[::1]",
		"capacitor://localhost":           "capacitor://localhost",
		"chrome-extension://AbCdEf":       "chrome-extension://abcdef",
		"https://*.example.org":           "https://*.example.org",
		"https://*.Bücher.example:0443/":  "https://*.xn--bcher-kva.example",
		"http://*.localhost:8080":         "http://*.localhost:8080",
		"*":                               "*",
		"null":                            "null",
		"file://":                         "file://",
		"file:///":                        "file://",
		"https://a.example.org:65535":     "https://a.example.org:65535",
		"moz-extension://0a1b-2c3d":       "moz-extension://0a1b-2c3d",
		"https://xn--fiqs8s.example.org":  "https://xn--fiqs8s.example.org",
		"https://0x7f.example":            "https://0x7f.example",
		"http://[::ffff:192.0.2.1]:12345": "http://[::ffff:192.0.2.1]:12345",
	} {
		got, err := Canonical(text)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
		if again, err := Canonical(got); err != nil || again != got {
			t.Errorf("%s: written again it is %q, %v", got, again, err)
		}
	}
}

func TestWhatNoPageCanComeFromIsRefusedWithTheReason(t *testing.T) {
	for text, want := range map[string]error{
		"":                                     errScheme,
		"example.org":                          errScheme,
		"*.example.org":                        errScheme,
		"//example.org":                        errScheme,
		"1http://example.org":                  errScheme,
		"https://":                             errEmpty,
		"https://:443":                         errEmpty,
		"https://.":                            errEmpty,
		"https://example.org/chat":             errPath,
		"https://example.org?x":                errPath,
		"https://example.org#x":                errPath,
		`https://example.org\x`:                errPath,
		"https://ann@example.org":              errUser,
		"https://*":                            errWildcard,
		"https://*:8080":                       errWildcard,
		"https://ex*.org":                      errWildcard,
		"https://a.*.org":                      errWildcard,
		"https://*.*.org":                      errWildcard,
		"https://*.127.0.0.1":                  errWildcard,
		"capacitor://*.localhost":              errWildcard,
		"https://example.org:0":                errPort,
		"https://example.org:65536":            errPort,
		"https://example.org:443x":             errPort,
		"https://example.org:*":                errWildcard,
		"https://2001:db8::1":                  errIPv6,
		"https://[2001:db8::1":                 errIPv6,
		"https://[fe80::1%25eth0]":             errIPv6,
		"https://[127.0.0.1]":                  errIPv6,
		"https://[::1]x":                       errIPv6,
		"http://127.1":                         errIPv4,
		"http://2130706433":                    errIPv4,
		"http://0x7f.1":                        errIPv4,
		"http://127.0.0.0x1":                   errIPv4,
		"http://127.0.0.01":                    errIPv4,
		"http://256.0.0.1":                     errIPv4,
		"https://a..org":                       errDots,
		"https://.example.org":                 errDots,
		"https://*..example.org":               errDots,
		"https://example.org..":                errDots,
		"https://a b.org":                      errLetters,
		"https://ex%61mple.org":                errLetters,
		"https://\x00":                         errLetters,
		"https://" + strings.Repeat("ü.", 600): errTooLong,
		"https://" + strings.Repeat("a.", 130): errTooLong,
		"https://xn--ü.example":                errIDN,
		"https://ａ\u00ad\u0378.example":        errIDN,
		"file://index.html":                    errFile,
		"file:///index.html":                   errFile,
		"app://":                               errEmpty,
		"app://a b":                            errLetters,
	} {
		if got, err := Canonical(text); err != want {
			t.Errorf("%q: got %q, %v, want %v", text, got, err, want)
		}
	}
}

func TestAListHasItsOriginsAndNoOthers(t *testing.T) {
	l, err := NewList([]string{"https://example.org", "https://*.example.net", "http://*.example.com:8080", "wss://live.example"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"https://example.org":         true,
		"https://example.org.":        true,
		"wss://example.org":           true,
		"https://live.example":        true,
		"http://example.org":          false,
		"https://example.org:8443":    false,
		"https://a.example.org":       false,
		"https://a.example.net":       true,
		"https://a.b.example.net":     true,
		"https://example.net":         false,
		"https://.example.net":        false,
		"https://aexample.net":        false,
		"https://example.net.evil":    false,
		"http://a.example.net":        false,
		"https://a.example.net:8443":  false,
		"http://a.example.com:8080":   true,
		"http://a.example.com":        false,
		"null":                        false,
		"file://":                     false,
		"https://a.example.net/x":     false,
		"https://xn--a.example.net.x": false,
	} {
		if got := l.includes(read(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func FuzzAnOriginIsReadOnceAndForAll(f *testing.F) {
	for _, seed := range []string{
		"https://example.org", "http://[2001:DB8::1]:3000", "https://*.bücher.example:0443/", "null", "file:///", "*", "wss://h:443",
		"http://h:3000/socket.io/?eio=4", "capacitor://localhost", "https://例え。テスト", "http://127.0.0.01", "app://.", "a.b:80",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, pattern, header string) {
		canonical, err := Canonical(pattern)
		if err != nil {
			_ = read(header)
			return
		}
		if again, err := Canonical(canonical); err != nil || again != canonical {
			t.Fatalf("%q is %q, and that is %q, %v", pattern, canonical, again, err)
		}
		l, err := NewList([]string{pattern})
		if err != nil {
			t.Fatalf("%q is canonical, and in no list: %v", pattern, err)
		}
		if !strings.Contains(canonical, "*") && !l.includes(read(canonical)) {
			t.Fatalf("the list of %q does not have %q", pattern, canonical)
		}
		// What a list lets in is what it names, or below it.
		if c := read(header); c.kind == page && !l.any && l.includes(c) {
			o, below, _ := parsePattern(canonical)
			if c.origin != o && !(below && strings.HasSuffix(c.origin.Host.Name, "."+o.Host.Name)) {
				t.Fatalf("%q lets %q in", pattern, header)
			}
		}
	})
}

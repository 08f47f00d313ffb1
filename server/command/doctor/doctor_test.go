package doctor

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestWrongUseIsToldWithWhatToDo(t *testing.T) {
	for want, args := range map[string][]string{
		"one URL is needed, not 2":   {"http://a", "http://b"},
		"one URL is needed, not 0":   {"--json"},
		"begins with https://":       {"chat.example.org"},
		"no host":                    {"https://"},
		"given as --path":            {"https://a/live/chat"},
		"not defined: -jsn":          {"http://a", "--jsn"},
		"is written 'Name: value'":   {"http://a", "--header", "Authorization Bearer hidden-token"},
		"looks like https://chat":    {"http://ann:hidden-token@a:b/"},
		"an origin is written":       {"http://a", "--origin", "example.org"},
		"durations such as 30s":      {"http://a", "--timeout=0s"},
		`invalid value "5" for flag`: {"http://a", "--idle", "5"},
		"--path begins with /":       {"http://a", "--path", "live"},
	} {
		var stdout, stderr bytes.Buffer
		if code := Run(args, &stdout, &stderr); code != exitUsage || stdout.Len() > 0 {
			t.Errorf("%v ends with %d: %s", args, code, stdout.String())
		}
		if got := stderr.String(); !strings.Contains(got, want) || !strings.Contains(got, "crier doctor --help") || strings.Contains(got, "hidden-token") {
			t.Errorf("%v is answered with %q, want %q in it", args, got, want)
		}
	}
	for _, args := range [][]string{{"--help"}, {"http://a", "-h"}, {"help"}, {}} {
		var stdout bytes.Buffer
		if code := Run(args, &stdout, io.Discard); code != exitOK || !strings.Contains(stdout.String(), "Usage: crier doctor URL") {
			t.Errorf("%v ends with %d: %s", args, code, stdout.String())
		}
	}
}

func TestNoSecretIsPrintedWhateverTheServerRepeats(t *testing.T) {
	var asked []string
	echo := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization")+r.Header.Get("X-Key")+r.URL.RawQuery)
		w.Header().Set("Server", r.Header.Get("X-Key"))
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" "+r.Header.Get("X-Key")+" "+r.URL.RawQuery)
	}))
	at := strings.Replace(echo.URL, "http://", "http://ann:pass-word@", 1) + "?token=to-ken%2Fpart"
	for _, form := range []string{"--json", "--insecure"} {
		var stdout, stderr bytes.Buffer
		if code := Run([]string{form, at, "--header", "X-Key: Bearer key-text"}, &stdout, &stderr); code != exitFault {
			t.Errorf("it ends with %d", code)
		}
		for _, secret := range []string{"pass-word", "to-ken", "key-text", "YW5uOnBhc3Mtd29yZA"} {
			if strings.Contains(stdout.String()+stderr.String(), secret) {
				t.Errorf("%s is printed: %s%s", secret, stdout.String(), stderr.String())
			}
		}
	}
	if all := strings.Join(asked, " "); !strings.Contains(all, "Basic YW5uOnBhc3Mtd29yZA") || !strings.Contains(all, "key-text") ||
		!strings.Contains(all, "token=to-ken") {
		t.Errorf("the server is not given what it needs: %s", all)
	}
}

func TestPlainOutputIsAlignedAndSaysEachChangeOnce(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.begin("http://a")
	p.result(Result{"websocket", Fault, "lost", []string{"pass it on"}})
	p.result(Result{"upgrade", Fault, "lost", []string{"pass it on"}})
	p.result(Result{"clock", OK, "right", nil})
	p.end(&Report{Faults: 2, OK: 1})
	want := `http://a

fault    websocket      lost
                        -> pass it on
fault    upgrade        lost
ok       clock          right

2 faults, 0 warnings, 1 ok, 0 skipped
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

func TestPayloadsOfBothVersionsAreRead(t *testing.T) {
	for _, c := range []struct {
		version int
		body    string
		want    string // packets, joined; "" for an error
	}{
		{4, "0{}\x1e40", "0{}|40"}, {4, "6", "6"}, {4, "\xff", ""},
		{3, "3:0{}2:40", "0{}|40"}, {3, "3:4é€", "4é€"}, {3, "3:4😀1:2", "4😀|2"},
		{3, "2:4😀", ""}, {3, "9:40", ""}, {3, "x:40", ""}, {3, "-1:40", ""}, {3, "40", ""},
	} {
		packets, err := decodePayload(c.version, c.body)
		if got := strings.Join(packets, "|"); err == nil && got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q is read as %q, %v", c.body, got, err)
		}
	}
	if text, err := decodeJSONP(`___eio[0]("2:40");`); err != nil || text != "2:40" {
		t.Errorf("a script is read as %q, %v", text, err)
	}
}

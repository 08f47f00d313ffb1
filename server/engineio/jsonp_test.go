package engineio

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestJSONPFormsAreReadAsTheReferenceReadsThem(t *testing.T) {
	for _, v := range readVectors(t).Forms {
		got, err := decodeJSONPForm([]byte(v.Body))
		if err != nil || string(got) != v.Data {
			t.Errorf("%q: got %q, %v; want %q", v.Body, got, err, v.Data)
		}
	}
}

func TestTheFirstFieldDIsTheOneThatCounts(t *testing.T) {
	got, err := decodeJSONPForm([]byte("x=1&dd=2&d=a%26b&d=3&y"))
	if err != nil || string(got) != "a&b" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, body := range []string{"", "&", "x=1", "D=1", "dd=1&=d"} {
		if _, err := decodeJSONPForm([]byte(body)); !errors.Is(err, errNoJSONPData) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestAJSONPAnswerIsOneScriptCall(t *testing.T) {
	tests := []struct{ index, payload, want string }{
		{"4", `6:4hello`, `___eio[4]("6:4hello");`},
		{"", `1:6`, `___eio[]("1:6");`},
		{"00012", `1:6`, `___eio[00012]("1:6");`},
		{"0](alert(1));//", `1:6`, `___eio[01]("1:6");`},
		{"<٣>", `1:6`, `___eio[]("1:6");`},
		{"0", "a\"\\\n\x1e\u2028\u2029</script>\x7f说", `___eio[0]("a\"\\\n\u001e\u2028\u2029\u003c/script>` + "\x7f" + `说");`},
		{"0", "\xffa\xe8\xaf", `___eio[0]("\ufffda\ufffd\ufffd");`},
	}
	for _, tt := range tests {
		if got := appendJSONP(nil, tt.index, []byte(tt.payload)); string(got) != tt.want {
			t.Errorf("j=%q: got %s, want %s", tt.index, got, tt.want)
		}
	}
}

func TestAppendJSONPAllocatesNothing(t *testing.T) {
	payload := []byte(strings.Repeat("42[\"message\",\"说\"]\x1e", 100))
	dst := make([]byte, 0, 2*len(payload)+64)
	if n := testing.AllocsPerRun(100, func() { dst = appendJSONP(dst[:0], "12", payload) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// scriptPayload is what a browser hands to the callback.
func scriptPayload(t testing.TB, script []byte) (payload string) {
	t.Helper()
	_, literal, _ := strings.Cut(string(script), "(")
	if err := json.Unmarshal([]byte(strings.TrimSuffix(literal, ");")), &payload); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return payload
}

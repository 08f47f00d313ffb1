package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

var jsonSeeds = []string{
	`null`, `true`, `false`, `nul`, `truex`, `0`, `-0`, `01`, `1.`, `.1`, `-`, `1e5`, `1E+5`, `1e`, `1e-`, `0.10`,
	`-1.5e-3`, `+1`, `--1`, `1.5.`,
	`""`, `"a"`, `"\n"`, "\"\n\"", `"\x"`, `"\u12"`, `"\u12aF"`, `"\"`, `"`, "\"\x00\"", "\"\x7f\"", "\"\xff\"",
	`"\/\b\f\r\t\\"`,
	`[]`, `[ ]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[`, `]`, `[[[]]]`, `[1`, `{}`, `{ }`, `{"a":1}`, `{"a":1,}`,
	`{"a" : 1 , "b":{}}`, `{a:1}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{`, `{"a"`, `{"a":1`,
	` 1 `, "\t\n\r 1", "\v1", `1 1`, ``, ` `, `{}{}`, `[{"a":[{"b":null}]}]`, "\ufeff1",
}

func TestValidJSONAgreesWithEncodingJSON(t *testing.T) {
	for _, s := range jsonSeeds {
		if got, want := validJSON([]byte(s), 100), json.Valid([]byte(s)); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestSkipValueFindsTheEnd(t *testing.T) {
	for _, s := range jsonSeeds {
		if s = strings.TrimSpace(s); json.Valid([]byte(s)) {
			for _, after := range []string{",", "]", " ", "}"} {
				if end := skipValue([]byte(s+after), 0); end != len(s) {
					t.Errorf("%q before %q: ends at %d", s, after, end)
				}
			}
		}
	}
}

func FuzzValidJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, want := validJSON(b, 1<<30), json.Valid(b)
		if got != want {
			t.Fatalf("%q: %v, encoding/json says %v", b, got, want)
		}
		if start := skipSpace(b, 0); got && strings.TrimRight(string(b[skipValue(b, start):]), " \n\r\t") != "" {
			t.Fatalf("%q: skipped to %d", b, skipValue(b, start))
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\x00\b\f\n\r\t\x7f<说😀\xff\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		text := appendString(nil, s)
		var got string
		if err := json.Unmarshal(text, &got); err != nil || !utf8.Valid(text) {
			t.Fatalf("%q: %s, %v", s, text, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && got != want {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

func BenchmarkValidJSON(b *testing.B) {
	text := []byte(`{"user":"someone","text":"` + strings.Repeat("hello ", 15) + `","at":1732132800000,"tags":["a","b"]}`)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			validJSON(text, 256)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			json.Valid(text)
		}
	})
}

package engineio

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// The answers are those of Node 20's Buffer.from(text, "base64").
func TestBase64IsTakenInEveryFormThatClientsSend(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "YWJj": "abc", "YQ==": "a", "YQ": "a", "YR==": "a", "YWI=": "ab", "YWI": "ab",
		"YQ==\n": "a", "YQ==\r\n": "a", "YQ=\n=": "a", "YW\nJj\r\nYWI=\n": "abcab", "\fY Q\t\v==": "a", " ": "", "=": "",
		"YWJj=": "abc", "YWJj===": "abc", "YQ=====": "a",
		"+/+/": "\xfb\xff\xbf", "-_-_": "\xfb\xff\xbf", "-/\n+_": "\xfb\xff\xbf", "_w==\n": "\xff",
	} {
		if got, err := fromBase64([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

// Node passes over what is not base64, ends at the first padding, and drops a last character that is too few.
func TestWhatIsNotBase64IsRefused(t *testing.T) {
	for _, text := range []string{"YW\x00Jj", "YWJj!", "é", "YQ==YQ==", "YQ=YQ", "=YQ==", "Y", "YWJjZ===", "\u00a0YQ==", "YQ==é", "Y=Q="} {
		if got, err := fromBase64([]byte(text)); err != errBase64 {
			t.Errorf("%q: %q, %v; want it refused", text, got, err)
		}
	}
}

func TestBase64TakesNoMemoryButThatOfItsData(t *testing.T) {
	for _, unit := range []string{"\n", "=", " ", "Q\n", "-\n", "A", "-_-_"} {
		text := []byte("-" + strings.Repeat(unit, 1<<20/len(unit)))
		if n := testing.AllocsPerRun(3, func() { _, _ = fromBase64(text) }); n > 3 { // of them two are errors
			t.Errorf("1 MiB of %q: %v allocations", unit, n)
		}
		if data, _ := fromBase64(text); cap(data) > 1<<20 {
			t.Errorf("1 MiB of %q became %d bytes", unit, cap(data))
		}
	}
}

// FuzzBase64 holds the decoder against a model of Node's rules: it never says anything else than Node does, and takes
// all that Node reads without passing over anything but white space.
func FuzzBase64(f *testing.F) {
	for _, text := range []string{"YQ==\n", "-_-_", "YW\r\nJj", "YQ", "Y", "YQ==YQ==", "a*b", "\xff"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, clean := nodeBase64(text)
		got, err := fromBase64(bytes.Clone(text))
		if (err == nil) != clean || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%q: %q, %v; Node says %q, clean %v", text, got, err, want, clean)
		}
	})
}

// nodeBase64 reads base64 one character at a time, as Node does. clean says that nothing was lost.
func nodeBase64(text []byte) (data []byte, clean bool) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	bits, held, ended := 0, 0, false
	clean = true
	for _, c := range text {
		value := strings.IndexByte(alphabet, c)
		switch {
		case c == '=':
			ended = true
			continue
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			continue
		case c == '-':
			value = 62
		case c == '_':
			value = 63
		}
		if value < 0 || ended {
			clean = false
			continue
		}
		bits, held = bits<<6|value, held+6
		if held >= 8 {
			held -= 8
			data = append(data, byte(bits>>held))
			bits &= 1<<held - 1
		}
	}
	return data, clean && held < 6
}

func BenchmarkBase64(b *testing.B) {
	plain := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("binary"), 10_000))
	for name, text := range map[string]string{
		"plain": plain, "lines": strings.ReplaceAll(plain, "YmluYXJ5YmluYXJ5", "YmluYXJ5YmluYXJ5\n"), "url": plain + "-_-_",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := fromBase64([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

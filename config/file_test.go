package config

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestTheMarkThatWindowsEditorsWriteIsNoPartOfTheFirstName(t *testing.T) {
	if got := load(t, "\ufefflog_format: text\r\naddr: :81\r\n", nil, nil); got.LogFormat != "text" || got.Addr != ":81" {
		t.Errorf("got %q and %q", got.LogFormat, got.Addr)
	}
	load(t, "\ufeff", nil, nil)
}

func TestAFileInUTF16IsNamedAsSuch(t *testing.T) {
	var text strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeffaddr: :81\n")) {
		text.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	mistakes := mistakesOf(t, Check(write(t, text.String())))
	if len(mistakes) != 1 || !strings.Contains(mistakes[0], "save it as UTF-8") {
		t.Errorf("got %q", mistakes)
	}
}

func TestAFileIsCheckedAloneWithTheLineOfEachMistake(t *testing.T) {
	t.Setenv("CRIER_ADDR", "nonsense") // of another machine than the file's
	if err := Check(write(t, "addr: :81\nfeed_max_age: 7d\n")); err != nil {
		t.Error(err)
	}
	mistakes := mistakesOf(t, Check(write(t, "addr: :81\nmax_queue: lots\nport: 80\n\nlog_level: loud\n")))
	for i, want := range []string{"line 2", "line 3", "line 5"} {
		if len(mistakes) != 3 || !strings.Contains(mistakes[i], want) {
			t.Fatalf("got %q, want lines 2, 3 and 5", mistakes)
		}
	}
	if mistakes := mistakesOf(t, Check("/no/such/file")); !slices.ContainsFunc(mistakes, func(m string) bool {
		return strings.Contains(m, os.ErrNotExist.Error()) || strings.Contains(m, "no such file")
	}) {
		t.Errorf("got %q", mistakes)
	}
}

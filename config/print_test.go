package config

import (
	"cmp"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of settings into the README")

func yamlText(t *testing.T, c *Config) string {
	t.Helper()
	var text strings.Builder
	if err := c.WriteYAML(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestWhatIsPrintedCanBeUsedAsTheFile(t *testing.T) {
	first := load(t, "", nil, []string{
		"--addr=[::1]:1", "--allowed-origins=*,https://a.example", "--max-queue=1500000", "--drain-timeout=0",
		"--ping-interval=1h", "--log-level=debug",
	})
	second := load(t, yamlText(t, first), nil, nil)
	first.origins, second.origins = nil, nil
	if !reflect.DeepEqual(first, second) {
		t.Errorf("printed and read again:\n got %+v\nwant %+v", second, first)
	}
}

func TestWhatIsPrintedTellsTheSource(t *testing.T) {
	text := yamlText(t, load(t, "log_level: warn\n", []string{"PORT=81"}, []string{"--path=/x/"}))
	for _, want := range []string{
		"# Default: \":3000\". Source: PORT.\naddr: \":81\"\n",
		"crier.yaml, line 1).\nlog_level: \"warn\"\n",
		"Source: --path.\npath: \"/x/\"\n",
		"# Default: 25s. Source: default.\nping_interval: 25s\n",
		"\nallowed_origins: []\n",
		"\nmax_payload: 1MB\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("what is printed lacks %q:\n%s", want, text)
		}
	}
}

// Each exported field belongs to exactly one setting, and each setting changes exactly one field.
func TestTheTableCoversEveryField(t *testing.T) {
	owners := map[string]string{}
	for _, s := range settings {
		if s.effect == "" || s.allowed == "" || s.word == "" {
			t.Errorf("%s: effect, allowed or word is missing", s.name)
		}
		c := &Config{}
		before := *c
		for _, text := range []string{"true", "1h", "1024", ":1", "debug", "json", "/x/", "polling", "https://x.example",
			"192.0.2.1", "usual", "1MiB", "a.example", "a@b.example"} {
			_ = s.set(c, text)
		}
		changed := changedFields(before, *c)
		if len(changed) != 1 {
			t.Errorf("%s changes %v, want one field", s.name, changed)
			continue
		}
		if other, taken := owners[changed[0]]; taken {
			t.Errorf("%s and %s are both %s", s.name, other, changed[0])
		}
		owners[changed[0]] = s.name
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if field.IsExported() && owners[field.Name] == "" {
			t.Errorf("no setting sets %s", field.Name)
		}
	}
}

func changedFields(before, after Config) (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if !field.IsExported() {
			continue
		}
		a, b := reflect.ValueOf(before).FieldByIndex(field.Index), reflect.ValueOf(after).FieldByIndex(field.Index)
		if !reflect.DeepEqual(a.Interface(), b.Interface()) {
			names = append(names, field.Name)
		}
	}
	return names
}

func TestTheHelpAndTheFileNameEverySetting(t *testing.T) {
	var help strings.Builder
	if err := WriteFlags(&help); err != nil {
		t.Fatal(err)
	}
	file := yamlText(t, Default())
	for _, s := range settings {
		if want := "  --" + s.flag() + " " + s.word + "   (default " + cmp.Or(s.fallback,
			"none") + ")\n"; !strings.Contains(help.String(), want) {
			t.Errorf("the help lacks %q", want)
		}
		if want := "\n" + s.name + ": "; !strings.Contains(file, want) {
			t.Errorf("the file lacks %q", want)
		}
	}
	for line := range strings.Lines(help.String() + file) {
		if len(line) > width+1 && !strings.Contains(line, "--") {
			t.Errorf("longer than %d: %s", width, line)
		}
	}
}

// The README holds the table between two marks; `go test ./config -update` writes it.
func TestTheREADMEShowsTheTable(t *testing.T) {
	const path, begin, end = "../README.md", "<!-- settings: go test ./config -update -->\n", "<!-- /settings -->"
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(readme), begin)
	shown, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("the README has no %q ... %q", begin, end)
	}
	var table strings.Builder
	if err := WriteMarkdown(&table); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if shown != table.String() {
		t.Error("the README's table of settings is not that of the program; run: go test ./config -update")
	}
}

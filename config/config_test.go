package config

import (
	"errors"
	"flag"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write puts text into a file of its own and returns the path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crier.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, file string, environ, args []string) *Config {
	t.Helper()
	if file != "" {
		environ = append(environ, "CRIER_CONFIG="+write(t, file))
	}
	c, err := Load(args, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mistakesOf(t *testing.T, err error) Mistakes {
	t.Helper()
	var mistakes Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("got the error %v, want mistakes", err)
	}
	return mistakes
}

func TestAnEmptyVariableKeepsWhatIsSaidInMemory(t *testing.T) {
	if got := load(t, "data: somewhere\n", []string{"CRIER_DATA="}, nil).Data; got != "" {
		t.Errorf("data is %q", got)
	}
	if got := load(t, "", nil, nil).Data; got != "./data" {
		t.Errorf("by default data is %q", got)
	}
}

func TestEachLayerGoesOverTheOneBefore(t *testing.T) {
	const file = "addr: file:1\n"
	environ := []string{"CRIER_ADDR=env:2"}
	args := []string{"--addr", "flag:3"}
	for _, c := range []struct {
		name          string
		file          string
		environ, args []string
		want          string
	}{
		{"nothing set", "", nil, nil, ":3000"},
		{"file", file, nil, nil, "file:1"},
		{"file and environment", file, environ, nil, "env:2"},
		{"all", file, environ, args, "flag:3"},
		{"PORT over file", file, []string{"PORT=8080"}, nil, ":8080"},
		{"CRIER_ADDR over PORT", file, []string{"PORT=8080", "CRIER_ADDR=env:2"}, nil, "env:2"},
		{"flag over PORT", file, []string{"PORT=8080"}, args, "flag:3"},
		{"empty variable is not set", file, []string{"CRIER_ADDR=", "PORT="}, nil, "file:1"},
		{"the last flag wins", "", nil, []string{"--addr=a:1", "-addr=b:2"}, "b:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := load(t, c.file, c.environ, c.args).Addr; got != c.want {
				t.Errorf("addr is %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheFileFlagGoesOverTheFileVariable(t *testing.T) {
	first, second := write(t, "addr: first:1"), write(t, "addr: second:2")
	c, err := Load([]string{"--config", first}, []string{"CRIER_CONFIG=" + second})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "first:1" {
		t.Errorf("addr is %q, want that of the file the flag names", c.Addr)
	}
}

func TestEveryKindIsReadFromEveryLayer(t *testing.T) {
	want := Default()
	want.LogLevel = slog.LevelWarn
	want.AllowedOrigins = []string{"https://a.example", "http://b.example:8080"}
	want.Transports = []string{"polling"}
	want.AllowUpgrades = false
	want.WebSocketCompression = true
	want.PingInterval = 90 * time.Second
	want.MaxPayload = 64 << 10
	want.MaxQueue = 2e6
	want.MaxAttachments = 3
	want.Path = "/chat/"

	file := `
# a comment
log_level: warn
allowed_origins:
  - https://A.example:443   # the default port goes
  - "http://b.example:8080"
transports: [polling]
allow_upgrades: false
websocket_compression: true
ping_interval: 1m30s
max_payload: 65536
max_queue: 2MB
max_attachments: 3
path: /chat
`
	environ := []string{
		"CRIER_LOG_LEVEL=warn", "CRIER_ALLOWED_ORIGINS=https://a.example, http://b.example:8080,https://a.example",
		"CRIER_TRANSPORTS=polling", "CRIER_ALLOW_UPGRADES=false", "CRIER_WEBSOCKET_COMPRESSION=true",
		"CRIER_PING_INTERVAL=90s", "CRIER_MAX_PAYLOAD=64KiB", "CRIER_MAX_QUEUE=2000kB", "CRIER_MAX_ATTACHMENTS=3",
		"CRIER_PATH=/chat/", "HOME=/", "CRIERNOT=ours",
	}
	args := []string{
		"--log-level", "warn", "--allowed-origins=https://a.example,http://b.example:8080", "--transports", "polling",
		"--allow-upgrades=false", "--websocket-compression", "--ping-interval=1.5m", "--max-payload", "64KiB",
		"--max-queue=2000000", "--max-attachments", "3", "--path", "/chat/",
	}
	for name, got := range map[string]*Config{
		"file":        load(t, file, nil, nil),
		"environment": load(t, "", environ, nil),
		"flags":       load(t, "", nil, args),
	} {
		got.origins = want.origins
		if !reflect.DeepEqual(got, want) {
			t.Errorf("from %s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestAWrongValueIsNamedAsItWasWrittenWithWhatIsAllowed(t *testing.T) {
	for _, c := range []struct {
		name          string
		file          string
		environ, args []string
		want          []string
	}{
		{name: "file", file: "\nlog_level: loud\n",
			want: []string{"log_level (", "crier.yaml, line 2)", `"loud"`, "debug, info, warn, error"}},
		{name: "variable", environ: []string{"CRIER_PING_INTERVAL=25"},
			want: []string{"CRIER_PING_INTERVAL:", `"25"`, "a duration from 10ms to 1h"}},
		{name: "flag", args: []string{"--max-payload=1"},
			want: []string{"--max-payload:", `"1"`, "bytes from 1024 to"}},
		{name: "item of a list", environ: []string{"CRIER_ALLOWED_ORIGINS=https://ok.example,example.org/path"},
			want: []string{"CRIER_ALLOWED_ORIGINS:", `"example.org/path" is not`, `"https://example.org"`}},
		{name: "PORT", environ: []string{"PORT=http"}, want: []string{"PORT:", `"http"`, "0 to 65535"}},
		{name: "overridden", environ: []string{"CRIER_ADDR=nowhere"}, args: []string{"--addr=:1"},
			want: []string{"CRIER_ADDR:", `"nowhere"`}},
		{name: "no value in the file", file: "addr:\n", want: []string{"addr (", "line 1", `"" is not allowed`}},
		{name: "a map for a value", file: "addr: {port: 1}\n", want: []string{"addr (", "line 1", "not a plain one"}},
		{name: "a map in a list", file: "transports: [{a: b}]\n", want: []string{"transports (", "not a plain one"}},
		{name: "flag without a value", args: []string{"--addr"}, want: []string{"--addr: the value is missing"}},
		{name: "a bare word", args: []string{"serve"}, want: []string{"serve: a flag begins with --"}},
		{name: "no such file", environ: []string{"CRIER_CONFIG=/no/such/file"},
			want: []string{"CRIER_CONFIG:", "/no/such/file"}},
		{name: "not YAML", file: "addr: :3000\nallowed_origins: [\n", want: []string{"crier.yaml, line 2:"}},
		{name: "a key twice", file: "addr: :1\naddr: :2\n", want: []string{"crier.yaml, line 2:", "addr"}},
		{name: "not a map", file: "- addr\n", want: []string{"crier.yaml, line 1:", "name: value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				c.environ = append(c.environ, "CRIER_CONFIG="+write(t, c.file))
			}
			_, err := Load(c.args, c.environ)
			mistakes := mistakesOf(t, err)
			if len(mistakes) != 1 {
				t.Fatalf("got %d mistakes, want 1:\n%v", len(mistakes), err)
			}
			for _, part := range c.want {
				if !strings.Contains(mistakes[0], part) {
					t.Errorf("%q does not say %q", mistakes[0], part)
				}
			}
		})
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	file := write(t, "log_level: loud\npign_interval: 3s\n")
	_, err := Load(
		[]string{"--adr", ":1", "--log-format=xml", "stray", "--allow-eio3=maybe"},
		[]string{"CRIER_CONFIG=" + file, "CRIER_PING_TIMEOUT=soon", "CRIER_ALOW_EIO3=true"})
	mistakes := mistakesOf(t, err)
	for _, part := range []string{
		"log_level", "pign_interval", "--adr", "--log-format", "stray", "--allow-eio3", "CRIER_PING_TIMEOUT",
		"CRIER_ALOW_EIO3",
	} {
		if !slices.ContainsFunc(mistakes, func(m string) bool { return strings.HasPrefix(m, part) }) {
			t.Errorf("no mistake begins with %s:\n%v", part, err)
		}
	}
	if len(mistakes) != 8 {
		t.Errorf("got %d mistakes, want 8:\n%v", len(mistakes), err)
	}
}

func TestAnUnknownNameIsAnsweredWithTheNearestKnownOne(t *testing.T) {
	for _, c := range []struct {
		name          string
		file          string
		environ, args []string
		want          string
	}{
		{name: "file", file: "ping_intervall: 3s\n", want: "did you mean ping_interval?"},
		{name: "file with dashes", file: "ping-interval: 3s\n", want: "did you mean ping_interval?"},
		{name: "variable", environ: []string{"CRIER_ALLOW_ORIGINS=*"}, want: "did you mean CRIER_ALLOWED_ORIGINS?"},
		{name: "flag with underscores", args: []string{"--log_level", "warn"}, want: "did you mean --log-level?"},
		{name: "file variable", environ: []string{"CRIER_CONFIGS=x"}, want: "did you mean CRIER_CONFIG?"},
		{name: "port", args: []string{"--port", "8080"}, want: "did you mean --addr :8080?"},
		{name: "p", args: []string{"-p", "8080"}, want: "did you mean --addr :8080?"},
		{name: "port in the file", file: "port: 8080\n", want: `did you mean addr: ":8080"?`},
		{name: "port in a variable", environ: []string{"CRIER_PORT=8080"}, want: "did you mean CRIER_ADDR=:8080?"},
		{name: "c", args: []string{"-c", "x.yaml"}, want: "did you mean --config?"},
		{name: "cors", args: []string{"--cors-origin=*"}, want: "did you mean --allowed-origins?"},
		{name: "verbose", args: []string{"--verbose"}, want: "did you mean --log-level debug?"},
		{name: "nothing near", args: []string{"--zzzzzz"}, want: "--zzzzzz: there is no such setting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				c.environ = append(c.environ, "CRIER_CONFIG="+write(t, c.file))
			}
			_, err := Load(c.args, c.environ)
			mistakes := mistakesOf(t, err)
			if len(mistakes) != 1 || !strings.HasSuffix(mistakes[0], c.want) {
				t.Errorf("got %q, want one mistake that ends with %q", mistakes, c.want)
			}
		})
	}
}

func TestVariablesThatKubernetesInjectsAreNotMistakes(t *testing.T) {
	load(t, "", []string{
		"CRIER_SERVICE_HOST=10.0.0.1", "CRIER_SERVICE_PORT=3000", "CRIER_SERVICE_PORT_HTTP=3000",
		"CRIER_PORT=tcp://10.0.0.1:3000", "CRIER_PORT_3000_TCP=tcp://10.0.0.1:3000", "CRIER_PORT_3000_TCP_PROTO=tcp",
		"CRIER_PORT_3000_TCP_PORT=3000", "CRIER_PORT_3000_TCP_ADDR=10.0.0.1",
	}, nil)
}

func TestHelpIsAskedForAnywhere(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"--addr", "wrong", "--nonsense", "--help"}} {
		if _, err := Load(args, nil); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: got %v, want flag.ErrHelp", args, err)
		}
	}
}

func TestValuesAtTheEdges(t *testing.T) {
	for _, c := range []struct {
		flag string
		ok   bool
	}{
		{"--addr=[::1]:0", true}, {"--addr=:65535", true}, {"--addr=:65536", false}, {"--addr=3000", false},
		{"--addr=http://localhost:3000", false}, {"--addr=:03000", false}, {"--addr=:", false},
		{"--path=/a", true}, {"--path=/a/b/", true}, {"--path=/", false}, {"--path=a/", false}, {"--path=/a//b", false},
		{"--path=/:id/", false}, {"--path=/*any", false}, {"--path=/a?b", false}, {"--path=/../", false}, {"--path=", false},
		{"--allowed-origins=", true}, {"--allowed-origins=*", true}, {"--allowed-origins=null", true},
		{"--allowed-origins=https://example.org/", true}, {"--allowed-origins=https://example.org/x", false},
		{"--allowed-origins=https://", false},
		{"--allowed-origins=https://*.example.org", true}, {"--allowed-origins=https://*", false},
		{"--allowed-origins=file://", true},
		{"--allowed-hosts=", true}, {"--allowed-hosts=example.org,*.example.net", true},
		{"--allowed-hosts=example.org:80", false},
		{"--allowed-origins=//example.org", false}, {"--allowed-origins=https://a@b", false},
		{"--allowed-origins=capacitor://localhost", true}, {"--allowed-origins=http://[::1]:8080", true},
		{"--transports=", false}, {"--transports=flash", false},
		{"--ping-interval=10ms", true}, {"--ping-interval=9ms", false}, {"--ping-interval=1h", true},
		{"--ping-interval=-5s", false},
		{"--drain-timeout=0s", true}, {"--drain-timeout=0", true},
		{"--max-queue=1GiB", true}, {"--max-queue=2GiB", false}, {"--max-queue=99999999999999999999", false},
		{"--max-queue=-1MB", false}, {"--max-queue=MB", false}, {"--max-queue=1mb", true}, {"--max-queue=4 MiB", true},
		{"--max-attachments=0", false}, {"--max-attachments=1", true},
		{"--feed-max-bytes=3000000000", true}, {"--feed-max-bytes=1099511627776", true},
		{"--feed-max-bytes=1099511627777", false},
		{"--feed-max-bytes=1024GiB", true}, {"--feed-max-bytes=1023", false},
		{"--feed-max-bytes=9223372036854775807GiB", false},
		{"--feed-max-bytes=18446744073709551616", false}, {"--feed-max-bytes=17179869185GiB", false},
		{"--feed-max-bytes=-8589934592GiB", false},
		{"--max-held-bytes=1MiB", true}, {"--max-held-bytes=8GiB", true}, {"--max-held-bytes=0", false},
		{"--max-connections=0", true}, {"--max-connections=-1", false}, {"--limits=trusted", true}, {"--limits=none", false},
		{"--max-message-rate=0", false}, {"--max-message-byte-rate=1GiB", true},
		{"--allow-eio3", true}, {"--allow-eio3=yes", false},
	} {
		_, err := Load([]string{c.flag}, nil)
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want allowed %v", c.flag, err, c.ok)
		}
	}
}

// What the help allows is what is taken: both ends of each range, and nothing beyond.
func TestTheEndsOfEachRangeAreThoseOfTheHelp(t *testing.T) {
	ends := regexp.MustCompile(`^(?:bytes|a whole number) from (\d+) to (\d+)`)
	tried := 0
	for _, s := range settings {
		m := ends.FindStringSubmatch(s.allowed)
		if m == nil {
			continue
		}
		tried++
		least, _ := new(big.Int).SetString(m[1], 10)
		most, _ := new(big.Int).SetString(m[2], 10)
		one := big.NewInt(1)
		for text, ok := range map[string]bool{
			m[1]: true, m[2]: true,
			new(big.Int).Sub(least, one).String(): false, new(big.Int).Add(most, one).String(): false,
		} {
			if err := s.set(Default(), text); (err == nil) != ok {
				t.Errorf("%s=%s: %v, although allowed is %q", s.name, text, err, s.allowed)
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d settings have a range", tried)
	}
}

func TestTrustedLiftsWhatBoundsOneClientAndNotTheSums(t *testing.T) {
	usual, trusted := Default(), load(t, "", nil, []string{"--limits=trusted"})
	for _, name := range changedFields(*usual, *trusted) {
		if !regexp.MustCompile("^Limits$|Rate|Burst|Address").MatchString(name) {
			t.Errorf("%s is lifted", name)
		}
	}
	if trusted.MaxMessageRate <= 1000*usual.MaxMessageRate || trusted.MaxAddressSessions <= 1000*usual.MaxAddressSessions {
		t.Errorf("lifted to %d messages, %d sessions", trusted.MaxMessageRate, trusted.MaxAddressSessions)
	}
	text := yamlText(t, trusted)
	if want := "Source: limits.\nmax_message_rate: 100000000\n"; !strings.Contains(text, want) {
		t.Errorf("what is printed lacks %q", want)
	}
	again := load(t, text, nil, nil)
	again.origins = trusted.origins
	if !reflect.DeepEqual(again, trusted) {
		t.Errorf("printed and read again:\n got %+v\nwant %+v", again, trusted)
	}
}

func TestAGivenSettingGoesOverTrusted(t *testing.T) {
	c := load(t, "max_message_rate: 20\n", []string{"CRIER_LIMITS=trusted"}, []string{"--max-address-rate=7"})
	if c.MaxMessageRate != 20 || c.MaxAddressRate != 7 || c.MaxMessageBurst == 500 {
		t.Errorf("rates %d and %d, burst %d", c.MaxMessageRate, c.MaxAddressRate, c.MaxMessageBurst)
	}
	for name, want := range map[string]bool{"max_message_rate": true, "max_address_rate": true,
		"max_message_burst": false, "addr": false} {
		if c.Given(name) != want {
			t.Errorf("Given(%q) is %v", name, !want)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("addr: :3000\n")
	f.Add("allowed_origins:\n  - https://a.example\n  - '*'\n")
	f.Add("max_queue: |\n  4MiB\n")
	f.Add("a: &x 1\nb: *x\n<<: {}\n---\n- ?\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := &reader{config: Default()}
		r.applyYAML("fuzz.yaml", []byte(text))
		if len(r.mistakes) > 0 {
			return
		}
		again := &reader{config: Default()}
		again.applyYAML("again.yaml", []byte(yamlText(t, r.config)))
		again.config.origins = r.config.origins
		if len(again.mistakes) > 0 || !reflect.DeepEqual(again.config, r.config) {
			t.Errorf("%q is not what comes back from what is printed: %v", text, again.mistakes)
		}
	})
}

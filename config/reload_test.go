package config

import (
	"slices"
	"testing"
)

func TestWhatHasChangedIsNamedAndCanBeTakenAlone(t *testing.T) {
	before := load(t, "addr: :1\nlog_level: info\n", nil, nil)
	after := load(t, "addr: :2\nlog_level: debug\nallowed_origins: [https://a.example]\nmax_queue: 4 MiB\n", nil, nil)
	if got, want := before.Changed(after), []string{"addr", "log_level", "allowed_origins"}; !slices.Equal(got, want) {
		t.Errorf("changed are %q, want %q", got, want)
	}
	mixed := before.With(after, []string{"log_level", "allowed_origins"})
	if got := before.Changed(mixed); !slices.Equal(got, []string{"log_level", "allowed_origins"}) {
		t.Errorf("taken are %q", got)
	}
	if got := mixed.Changed(after); !slices.Equal(got, []string{"addr"}) {
		t.Errorf("left are %q, want addr", got)
	}
	if before.Addr != ":1" || before.LogLevel == after.LogLevel {
		t.Error("the settings before are not what they were")
	}
}

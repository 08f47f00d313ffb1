package config

import (
	"testing"
	"time"
)

func TestSizesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]int64{
		"5KB": 5000, "5 kB": 5000, "5kb": 5000, "1.5MiB": 3 << 19, "1.1 MiB": 1153434, "0.5GB": 5e8, "007": 7, "12 B": 12,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "B", "5K", "5M", "5 k B", "1.5", "1.5B", ".5MB", "5.MB", "1..5MB", "1.2.3MB", "1e3", "1/2MB",
		"+5MB", "5MBs", "0x10",
		"9223372036854775808", "9223372036854775807GiB",
	} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}

func TestDurationsAreReadAsPeopleWriteThem(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "2w": 14 * day, "1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "1 day 12 hours": 36 * time.Hour,
		"2 weeks": 14 * day, "5 min": 5 * time.Minute, "30 sec": 30 * time.Second, "1h30m": 90 * time.Minute,
		"10ms": 10 * time.Millisecond,
		"1.5h": 90 * time.Minute, "0": 0, "0s": 0, "100us": 100 * time.Microsecond,
		"1m0.5s": time.Minute + 500*time.Millisecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "7", "d", "7 x", "7d 3", "-5s", "+5s", "5s-", "1,5h", "7D", "3M", "5s, 3m", "106752d",
		"1000000000000w", "150 years",
		"100000d 100000d",
	} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func FuzzQuantities(f *testing.F) {
	for _, seed := range []string{"1m30s", "7d", "1.5MiB", "5 kB", "0", "99999999999w", "5µs", ".", "1.5.5s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseDuration(text); err == nil {
			if again, err := parseDuration(short(d)); err != nil || again != d || d < 0 {
				t.Errorf("%q is %v, which is read as %v, %v", text, d, again, err)
			}
		}
		if n, err := parseSize(text); err == nil {
			if again, err := parseSize(formatSize(n)); err != nil || again != n || n < 0 {
				t.Errorf("%q is %d, which is read as %d, %v", text, n, again, err)
			}
		}
	})
}

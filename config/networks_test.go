package config

import (
	"slices"
	"testing"
)

func TestTrustedProxiesAreAddressesAndNetworks(t *testing.T) {
	c := load(t, "", []string{"CRIER_TRUSTED_PROXIES=127.0.0.1, 10.0.0.0/8 ::ffff:192.0.2.1,fd00::/8,2001:db8::1"}, nil)
	want := []string{"127.0.0.1/32", "10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "2001:db8::1/128"}
	if !slices.Equal(c.TrustedProxies, want) {
		t.Errorf("got %q, want %q", c.TrustedProxies, want)
	}
	for _, wrong := range []string{"localhost", "10.0.0.1/8", "10.0.0.0/33", "fe80::1%eth0", "::ffff:10.0.0.0/104",
		"10.0.0.1:80", "*"} {
		if _, err := Load(nil, []string{"CRIER_TRUSTED_PROXIES=" + wrong}); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}

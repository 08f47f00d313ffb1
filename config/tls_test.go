package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestSettingsOfTLSThatDoNotFitTogetherAreNamed(t *testing.T) {
	for flags, want := range map[string]string{
		"--tls-cert=a.pem":                                "tls_cert names 1 files and tls_key 0",
		"--tls-cert=a.pem,b.pem --tls-key=a":              "tls_cert names 2 files and tls_key 1",
		"--tls-key=a.pem":                                 "each certificate needs its key",
		"--tls-cert=a --tls-key=b --acme-hosts=a.example": "tls_cert and acme_hosts are both set",
		"--acme-hosts=a.example --data=":                  "acme_hosts needs the folder data, which is set to nothing",
		"--redirect-addr=:80":                             "there is no https to go to",
		"--acme-hosts=localhost":                          "--acme-hosts",
		"--acme-hosts=192.0.2.1":                          "no addresses",
		"--acme-hosts=*.a.example":                        "no wildcards",
		"--acme-directory=http://a.example/":              "--acme-directory",
		"--acme-email=ann":                                "--acme-email",
		"--tls-cert=a --tls-key=b --redirect-addr=:80":    "",
		"--acme-hosts=a.example --redirect-addr=:80":      "",
	} {
		_, err := Load(strings.Fields(flags), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", flags, err, want)
		}
	}
}

func TestFilesAndHostsAreLists(t *testing.T) {
	c := load(t, "tls_cert: [a b.pem, c.pem]\ntls_key: [d.pem, e.pem]\n", nil, nil)
	if want := []string{"a b.pem", "c.pem"}; !reflect.DeepEqual(c.TLSCert, want) || len(c.TLSKey) != 2 || !c.TLS() {
		t.Errorf("the files are %q and %q", c.TLSCert, c.TLSKey)
	}
	c = load(t, "", []string{"CRIER_ACME_HOSTS=Chat.Example.org, bücher.example"}, nil)
	if want := []string{"chat.example.org", "xn--bcher-kva.example"}; !reflect.DeepEqual(c.ACMEHosts, want) {
		t.Errorf("the hosts are %q", c.ACMEHosts)
	}
}

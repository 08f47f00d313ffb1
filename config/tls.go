package config

import (
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// TLS reports whether Crier speaks TLS on its addresses.
func (c *Config) TLS() bool { return len(c.TLSCert) > 0 || len(c.ACMEHosts) > 0 }

// Conflicts returns a [Mistakes] with the settings that do not fit together; nil, if they do. [Load] has looked.
func (c *Config) Conflicts() error {
	if m := c.conflicts(); len(m) > 0 {
		return m
	}
	return nil
}

func (c *Config) conflicts() (m Mistakes) {
	switch certs, keys := len(c.TLSCert), len(c.TLSKey); {
	case certs > 0 && len(c.ACMEHosts) > 0:
		m.add("tls_cert and acme_hosts are both set; leave one away: either the certificate is given, or Crier gets one")
	case certs != keys:
		m.add("tls_cert names %d files and tls_key %d; each certificate needs its key", certs, keys)
	case len(c.ACMEHosts) > 0 && c.Data == "":
		m.add("acme_hosts needs the folder data, which is set to nothing: certificates are kept there, since the " +
			"authority gives only a few for a name; name a folder, or give a certificate with tls_cert and tls_key")
	}
	if c.RedirectAddr != "" && !c.TLS() {
		m.add("redirect_addr is set, and there is no https to go to; set tls_cert and tls_key, or acme_hosts")
	}
	return m
}

// files allows paths. In a variable or a flag commas go between them.
func files() kind[[]string] {
	one := file()
	return kind[[]string]{
		word: "FILES", allowed: one.allowed + ", or several with commas between them", format: formatList,
		parse: func(text string) ([]string, error) {
			list := []string{}
			for item := range strings.SplitSeq(text, ",") {
				if item = strings.TrimSpace(item); item == "" {
					continue
				}
				path, err := one.parse(item)
				if err != nil {
					return nil, err
				}
				list = append(list, path)
			}
			return list, nil
		},
	}
}

func file() kind[string] {
	k := folder()
	k.word, k.allowed, k.orNone = "FILE", "the path of a file", false
	return k
}

// hostNames allows names that a public authority gives certificates for, in whatever script, and writes them as DNS
// does.
func hostNames() kind[[]string] {
	return listOf("NAMES", `a list of host names such as "chat.example.org"; no addresses, no wildcards (an authority `+
		`gives those for other proofs than Crier has), no names without a dot`, true, parseHostName)
}

func parseHostName(text string) (string, error) {
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(text, "."))
	if err != nil || !strings.Contains(name, ".") || strings.ContainsAny(name, "*:/@") || len(name) > 253 {
		return "", refuse(text)
	}
	if _, err := netip.ParseAddr(name); err == nil || slices.Contains(strings.Split(name, "."), "") {
		return "", refuse(text)
	}
	return name, nil
}

func email() kind[string] {
	return kind[string]{
		word: "EMAIL", allowed: `an address such as "ann@example.org"`, format: strconv.Quote,
		parse: func(text string) (string, error) {
			if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
				return "", refuse(text)
			}
			return text, nil
		},
	}
}

func httpsURL() kind[string] {
	return kind[string]{
		word: "URL", allowed: `a URL such as "https://ca.example.org/directory"`, format: strconv.Quote,
		parse: func(text string) (string, error) {
			u, err := url.Parse(text)
			if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
				return "", refuse(text)
			}
			return text, nil
		},
	}
}

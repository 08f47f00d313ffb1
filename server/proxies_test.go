package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/config"
)

func TestTheAddressIsTheProxysWordOnlyIfItIsTrusted(t *testing.T) {
	trusted := newProxies([]string{"10.0.0.0/8", "127.0.0.1/32", "fd00::/8"})
	const proxy = "10.0.0.1:4711"
	for name, tt := range map[string]struct {
		peer      string
		xff       []string
		forwarded []string
		want      string
	}{
		"no header":                             {peer: proxy, want: "10.0.0.1"},
		"a peer that is not trusted":            {peer: "192.0.2.9:1", xff: []string{"198.51.100.1"}, forwarded: []string{"for=198.51.100.1"}, want: "192.0.2.9"},
		"one hop":                               {peer: proxy, xff: []string{"192.0.2.1"}, want: "192.0.2.1"},
		"made up in front":                      {peer: proxy, xff: []string{"1.1.1.1, 10.9.9.9, 192.0.2.1"}, want: "192.0.2.1"},
		"made up in a header of its own":        {peer: proxy, xff: []string{"1.1.1.1", "192.0.2.1"}, want: "192.0.2.1"},
		"two proxies":                           {peer: proxy, xff: []string{"1.1.1.1, 192.0.2.1,10.3.2.1"}, want: "192.0.2.1"},
		"two proxies with a header each":        {peer: proxy, xff: []string{"1.1.1.1, 192.0.2.1", "10.3.2.1"}, want: "192.0.2.1"},
		"nobody but proxies":                    {peer: proxy, xff: []string{"10.0.0.3, 10.0.0.2"}, want: "10.0.0.3"},
		"with a port":                           {peer: proxy, xff: []string{"192.0.2.1:5678"}, want: "192.0.2.1"},
		"IPv6":                                  {peer: "[fd00::1]:443", xff: []string{"2001:db8::1"}, want: "2001:db8::1"},
		"IPv6 in brackets":                      {peer: proxy, xff: []string{"[2001:db8::1]"}, want: "2001:db8::1"},
		"IPv6 with a port":                      {peer: proxy, xff: []string{"[2001:db8::1]:80"}, want: "2001:db8::1"},
		"a zone":                                {peer: "[fd00::1%eth0]:443", xff: []string{"fe80::1%eth7"}, want: "fe80::1"},
		"IPv4 written as IPv6":                  {peer: "[::ffff:10.0.0.1]:1", xff: []string{"::ffff:192.0.2.1"}, want: "192.0.2.1"},
		"garbage":                               {peer: proxy, xff: []string{"192.0.2.1, unknown"}, want: "10.0.0.1"},
		"garbage behind a proxy":                {peer: proxy, xff: []string{"x, 10.0.0.2"}, want: "10.0.0.2"},
		"an empty header":                       {peer: proxy, xff: []string{""}, want: "10.0.0.1"},
		"nothing but commas":                    {peer: proxy, xff: []string{strings.Repeat(",", 10_000)}, want: "10.0.0.1"},
		"Forwarded":                             {peer: proxy, forwarded: []string{"for=1.1.1.1, For=192.0.2.1;proto=https;by=10.0.0.1"}, want: "192.0.2.1"},
		"Forwarded, IPv6":                       {peer: proxy, forwarded: []string{`for="[2001:db8::1]:4711"`}, want: "2001:db8::1"},
		"Forwarded, two lines":                  {peer: proxy, forwarded: []string{"for=192.0.2.1", `for="10.0.0.9"`}, want: "192.0.2.1"},
		"Forwarded, hidden":                     {peer: proxy, forwarded: []string{"for=192.0.2.1, for=_hidden"}, want: "10.0.0.1"},
		"Forwarded without for":                 {peer: proxy, forwarded: []string{"for=192.0.2.1, proto=https"}, want: "10.0.0.1"},
		"Forwarded, a comma in a quotation":     {peer: proxy, forwarded: []string{`for=192.0.2.1;host="a,for=6.6.6.6"`}, want: "192.0.2.1"},
		"Forwarded, an escaped quotation":       {peer: proxy, forwarded: []string{`for=192.0.2.1;host="a\",for=6.6.6.6"`}, want: "192.0.2.1"},
		"Forwarded, a quotation without end":    {peer: proxy, forwarded: []string{`x="`, `for=192.0.2.1`}, want: "10.0.0.1"},
		"Forwarded, quotations that swallow":    {peer: proxy, forwarded: []string{`for=6.6.6.6, x="`, `for="[2001:db8::1]"`}, want: "10.0.0.1"},
		"Forwarded, an escape that swallows":    {peer: proxy, forwarded: []string{`for=6.6.6.6, x="\`, `for="192.0.2.1"`}, want: "10.0.0.1"},
		"Forwarded, a quotation within a token": {peer: proxy, forwarded: []string{`for=6.6.6.6", for=192.0.2.1`}, want: "10.0.0.1"},
		"both, as one":                          {peer: proxy, xff: []string{"192.0.2.1"}, forwarded: []string{"for=192.0.2.1"}, want: "192.0.2.1"},
		"both, one of them made up":             {peer: proxy, xff: []string{"192.0.2.1"}, forwarded: []string{"for=6.6.6.6"}, want: "10.0.0.1"},
		"both, one of them made up and broken":  {peer: proxy, xff: []string{"192.0.2.1"}, forwarded: []string{`"`}, want: "10.0.0.1"},
		"no IP connection":                      {peer: "@", xff: []string{"192.0.2.1"}, want: "@"},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
		if tt.xff != nil {
			r.Header["X-Forwarded-For"] = tt.xff
		}
		if tt.forwarded != nil {
			r.Header["Forwarded"] = tt.forwarded
		}
		if got, _ := trusted.address(r); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestWithoutTrustedProxiesNobodyIsBelieved(t *testing.T) {
	r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"192.0.2.1"}}}
	if got, unnamed := newProxies(config.Default().TrustedProxies).address(r); got != "127.0.0.1" || !unnamed {
		t.Errorf("got %s, unnamed %v", got, unnamed)
	}
}

func TestTheProxiesWithoutANameAreBounded(t *testing.T) {
	var u unnamed
	for i := range 10 * mostUnnamed {
		u.note(fmt.Sprint(i))
		if !u.has(fmt.Sprint(i)) {
			t.Fatal("the newest is not known")
		}
	}
	if len(u.all) != mostUnnamed {
		t.Errorf("%d are remembered, want %d", len(u.all), mostUnnamed)
	}
}

func TestTheLogTellsOfProxiesWithoutANameOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u unnamed
		told := 0
		for i := range 3 * 1800 {
			if u.note(fmt.Sprint(i)) {
				told++
			}
			time.Sleep(2 * time.Second)
		}
		if told != 3 {
			t.Errorf("in three hours it is told %d times", told)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "for=192.0.2.1", `for="[2001:db8::1]:1";by=x, for=_y`, `a="\"`, ",;,", "for=1, for"} {
		f.Add(seed)
	}
	trusted := newProxies([]string{"10.0.0.0/8"})
	f.Fuzz(func(t *testing.T, header string) {
		// Whatever stands there, what the proxy adds behind it is found, or nothing is.
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"Forwarded": {header, `for="192.0.2.1";proto=https`}}}
		if got, _ := trusted.address(r); got != "192.0.2.1" && got != "10.0.0.1" {
			t.Errorf("%q: %s", header, got)
		}
	})
}

package limit

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func newAddresses(t *testing.T, open, rate int) *Addresses {
	t.Helper()
	l, err := NewAddresses(AddressLimits{MaxOpen: open, MaxRate: rate})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// expect opens one more for an address.
func (l *Addresses) expect(t *testing.T, ip string, want error) {
	t.Helper()
	if err := l.Enter(ip); !errors.Is(err, want) {
		t.Fatalf("%s: %v, want %v", ip, err, want)
	}
}

func TestAnAddressHasNoMoreOpenThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newAddresses(t, 3, 1000)
		for range 3 {
			l.expect(t, "192.0.2.1", nil)
		}
		time.Sleep(time.Second)
		l.expect(t, "192.0.2.1", ErrTooMany)
		l.expect(t, "192.0.2.2", nil)
		l.Leave("192.0.2.1")
		l.expect(t, "192.0.2.1", nil)
		l.expect(t, "192.0.2.1", ErrTooMany)
	})
}

func TestAnAddressOpensNoFasterThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newAddresses(t, 5, 2)
		for range 5 { // as many at once as it may have
			l.expect(t, "192.0.2.1", nil)
			l.Leave("192.0.2.1")
		}
		l.expect(t, "192.0.2.1", ErrTooFast)
		l.expect(t, "192.0.2.2", nil)
		time.Sleep(time.Second)
		l.expect(t, "192.0.2.1", nil)
		l.expect(t, "192.0.2.1", nil)
		l.expect(t, "192.0.2.1", ErrTooFast)
	})
}

func TestAnAddressIsForgottenWhenNothingIsLostByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newAddresses(t, 10, 1)
		for range 10 {
			l.expect(t, "192.0.2.1", nil)
			l.Leave("192.0.2.1")
		}
		l.expect(t, "192.0.2.9", nil) // and stays
		time.Sleep(9 * time.Second)
		l.expect(t, "192.0.2.2", nil)
		l.Leave("192.0.2.2")
		if got := l.Len(); got != 3 {
			t.Errorf("%d addresses are known, want 3: one of them may not yet open ten at once", got)
		}
		time.Sleep(10 * time.Second)
		l.expect(t, "192.0.2.2", nil)
		if got := l.Len(); got != 2 {
			t.Errorf("%d addresses are known, want the two with something open", got)
		}
	})
}

func TestTheAddressesThatAreKnownAreBounded(t *testing.T) {
	l := newAddresses(t, 1000, 1)
	l.expect(t, "192.0.2.1", nil)
	for i := range 3 * mostIdle {
		ip := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		l.expect(t, ip, nil)
		l.Leave(ip)
	}
	if got := l.Len(); got != mostIdle+1 {
		t.Errorf("%d addresses are known, want %d idle ones and one with something open", got, mostIdle)
	}
	if l.known[NetworkOf("192.0.2.1")] == nil {
		t.Error("an address with something open was forgotten")
	}
}

func TestOneLineIsOneAddress(t *testing.T) {
	for _, same := range [][2]string{
		{"192.0.2.1", "::ffff:192.0.2.1"},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"},
		{"fe80::1%eth0", "fe80::1%eth1"},
		{"@", "@"},
	} {
		if NetworkOf(same[0]) != NetworkOf(same[1]) {
			t.Errorf("%s and %s are told apart", same[0], same[1])
		}
	}
	for _, different := range [][2]string{
		{"192.0.2.1", "192.0.2.2"},
		{"2001:db8:1:2::1", "2001:db8:1:3::1"},
		{"::1", "127.0.0.1"},
	} {
		if NetworkOf(different[0]) == NetworkOf(different[1]) {
			t.Errorf("%s and %s are taken for one", different[0], different[1])
		}
	}
}

// A customer's /48 has 65,536 /64s, of which each alone would be a new client.
func TestManyNetworksOfOneCustomerHaveNoMoreThanTheirWiderNetworkMay(t *testing.T) {
	l := newAddresses(t, 10, 1000)
	open := func(format string) (n int) {
		for i := range 200 {
			for l.Enter(fmt.Sprintf(format, i)) == nil {
				n++
			}
		}
		return n
	}
	if got := open("2001:db8:1:00%02x::1"); got != Factor56*10 {
		t.Errorf("the /64s of one /56 have %d open, want %d", got, Factor56*10)
	}
	if got := open("2001:db8:1:%x00::1"); got != (Factor48-Factor56)*10 {
		t.Errorf("the other /64s of its /48 have %d open, want %d", got, (Factor48-Factor56)*10)
	}
	if got := open("2001:db8:2:%x00::1"); got != Factor48*10 {
		t.Errorf("the /64s of another /48 have %d open, want %d", got, Factor48*10)
	}
	l.Leave("2001:db8:1::1")
	l.expect(t, "2001:db8:1:7700::1", nil)
	l.expect(t, "2001:db8:1:7700::1", ErrTooMany)
}

func TestManyNetworksOfOneCustomerOpenNoFasterThanTheirWiderNetworkMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newAddresses(t, 10, 10)
		opened := 0
		for i := range 200 {
			ip := fmt.Sprintf("2001:db8:1:%x00::1", i)
			if l.Enter(ip) == nil {
				opened++
				l.Leave(ip)
			}
		}
		if opened != Factor48*10 {
			t.Errorf("%d came at once, want %d", opened, Factor48*10)
		}
		l.expect(t, "2001:db8:1:ff00::1", ErrTooFast)
		time.Sleep(time.Second)
		l.expect(t, "2001:db8:1:ff00::1", nil)
	})
}

func TestANetworkIsMadeWithoutAllocating(t *testing.T) {
	for _, ip := range []string{"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"} {
		if n := testing.AllocsPerRun(100, func() { networksOf(ip) }); n != 0 {
			t.Errorf("%s: %v allocations", ip, n)
		}
	}
}

func TestANetworkIsWrittenAsOperatorsWriteIt(t *testing.T) {
	for ip, want := range map[string][]string{
		"192.0.2.1":         {"192.0.2.1"},
		"2001:db8:1:203::9": {"2001:db8:1:203::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"},
	} {
		keys := networksOf(ip)
		for i, key := range keys.All[:keys.N] {
			if key.String() != want[i] {
				t.Errorf("%s: %s, want %s", ip, key, want[i])
			}
		}
	}
}

func TestWhoComesAndGoesAtOnceIsCounted(t *testing.T) {
	l := newAddresses(t, 100_000, 100_000)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 1000 {
				ip := fmt.Sprintf("192.0.2.%d", (i+n)%5)
				if err := l.Enter(ip); err != nil {
					t.Error(err)
				}
				l.Leave(ip)
			}
		})
	}
	all.Wait()
	for key, a := range l.known {
		if a.open != 0 || a.place == nil {
			t.Errorf("%s has %d open", key, a.open)
		}
	}
}

func TestALimitThatIsNegativeIsAnError(t *testing.T) {
	for _, l := range []AddressLimits{{MaxOpen: -1}, {MaxRate: -1}} {
		if _, err := NewAddresses(l); err == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}

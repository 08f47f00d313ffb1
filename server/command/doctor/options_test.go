package doctor

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestWhatAServerRepeatsOfASecretIsNotPrinted(t *testing.T) {
	long := strings.Repeat("x1y2", 100)
	for _, header := range []string{
		"Authorization: Bearer " + long,
		"Cookie: lang=en; sid=" + long + "; other=1",
		"Cookie: id=" + long[:8] + "; sid=" + long,
		"X-Token: \"" + long + "\"",
	} {
		for before := range 2 * mostPrinted {
			o, err := parse([]string{"--header", header, "https://chat.example.org/?token=short-" + long})
			if err != nil {
				t.Fatal(err)
			}
			body := []byte(strings.Repeat("-", before) + long + " and more")
			a := &answer{status: http.StatusForbidden, header: http.Header{}, body: body}
			r := faulty(&refusedError{a}).masked(o)
			if strings.Contains(r.Seen, long[:shortestSecret]) {
				t.Fatalf("%s behind %d characters: %s", header[:20], before, r.Seen)
			}
		}
	}
}

func TestASecretIsMaskedAsItIsPrinted(t *testing.T) {
	o, err := parse([]string{"https://chat.example.org/?token=one%0atwo%0athree"})
	if err != nil {
		t.Fatal(err)
	}
	if got := o.mask("you said " + printable("one\ntwo\nthree")); got != "you said ***" {
		t.Error(got)
	}
	if got := o.mask("nothing of it is here, and this is cut..."); got != "nothing of it is here, and this is cut..." {
		t.Error(got)
	}
}

// The race detector sees the fault.
func TestToMaskChangesNothingThatRunsShare(t *testing.T) {
	o, err := parse([]string{"--header", "X-Name: nginx", "https://chat.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() { fault("", adviseHost...).masked(o) })
	}
	runs.Wait()
	if adviseHost[0] != "nginx: proxy_set_header Host $http_host;" {
		t.Error(adviseHost)
	}
}

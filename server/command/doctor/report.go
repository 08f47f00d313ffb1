package doctor

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"
)

// Status is what a check found.
type Status string

// The statuses of a check.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Fault   Status = "fault"
	Skipped Status = "skipped"
)

// A Result is what one check found.
type Result struct {
	Check  string   `json:"check"`
	Status Status   `json:"status"`
	Seen   string   `json:"seen"`             // in a line
	Change []string `json:"change,omitempty"` // what to do, each in a line
}

func (r Result) masked(o *options) Result {
	r.Seen = o.mask(r.Seen)
	r.Change = slices.Clone(r.Change) // it may be a list that all runs share
	for i, line := range r.Change {
		r.Change[i] = o.mask(line)
	}
	return r
}

// A Report is what --json prints.
type Report struct {
	URL      string   `json:"url"`     // without user, password and query
	Server   string   `json:"server"`  // "crier", "socket.io", or "" for what is neither
	Version  string   `json:"version"` // of Crier, where it tells; else ""
	Checks   []Result `json:"checks"`
	OK       int      `json:"ok"`
	Warnings int      `json:"warnings"`
	Faults   int      `json:"faults"`
	Skipped  int      `json:"skipped"`
}

func (r *Report) add(c Result) {
	r.Checks = append(r.Checks, c)
	switch c.Status {
	case OK:
		r.OK++
	case Warning:
		r.Warnings++
	case Fault:
		r.Faults++
	case Skipped:
		r.Skipped++
	}
}

// A printer writes results for people.
type printer struct {
	out     io.Writer
	colours bool
	told    map[string]bool // what to change, of results before
}

// newPrinter prints in colours on a terminal alone (https://no-color.org has the variable).
func newPrinter(out io.Writer) *printer {
	file, ok := out.(*os.File)
	return &printer{out, ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == "", map[string]bool{}}
}

func (p *printer) begin(url string) { fmt.Fprintf(p.out, "%s\n\n", url) }

var colours = map[Status]string{OK: "32", Warning: "33", Fault: "31", Skipped: "2"}

const layout = "%s %-14s %s\n"

func (p *printer) result(r Result) {
	status := fmt.Sprintf("%-8s", r.Status)
	if p.colours {
		status = "\x1b[" + colours[r.Status] + "m" + status + "\x1b[0m"
	}
	fmt.Fprintf(p.out, layout, status, r.Check, r.Seen)
	for _, line := range r.Change { // each is said once
		if p.told[line] {
			continue
		}
		p.told[line] = true
		fmt.Fprintf(p.out, layout, strings.Repeat(" ", 8), "", "-> "+line)
	}
}

func (p *printer) end(r *Report) {
	fmt.Fprintf(p.out, "\n%s, %s, %d ok, %d skipped\n",
		count(r.Faults, "fault"), count(r.Warnings, "warning"), r.OK, r.Skipped)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Package command is what `crier WORD` does beside serving.
package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
)

// What a command ends with.
const (
	exitOK     = 0
	exitFailed = 1 // it could not be done, or something is damaged
	exitUsage  = 2
)

const feedUsage = `What is stored in a folder that the setting data names, or in one that Crier has set aside.

Usage: crier feed COMMAND FOLDER

Commands:
  check FOLDER       tell what each file holds, what is damaged, the feed's lives, and what is missing; changes nothing
  export FOLDER      write each entry as a line of JSON: offset, at (Unix milliseconds), kind, room, from, id, data,
                     attachments (base64); damaged: true says that the entry may not be what was said
  backup FOLDER TO   copy the feed into a folder that does not exist yet
  moved FOLDER       declare that the folder was moved here whole, and nothing was written to the old one since: clients
                     then go on where they were; without it a copied folder begins a new life

check, export and backup may be used while Crier runs. A backup has all that was acknowledged before it began. To use
one, stop Crier and put it in the place of the folder: what was said stays, and each client learns that something may
be missing.

Exit codes: 0 done, 1 failed or something is damaged, 2 the command line is wrong.
`

// Feed does `crier feed ARGS` and returns the exit code.
func Feed(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || isHelp(args[0]) || len(args) > 1 && isHelp(args[1]) {
		_, _ = io.WriteString(stdout, feedUsage)
		return exitOK
	}
	folders := map[string]int{"check": 1, "export": 1, "backup": 2, "moved": 1}
	want, known := folders[args[0]]
	if !known || len(args) != 1+want {
		fmt.Fprintf(stderr, "crier feed: %s\n\n`crier feed --help` shows how it is used.\n", wrongUse(args[0], known, want))
		return exitUsage
	}
	whole, err := true, error(nil)
	switch dir := args[1]; args[0] {
	case "check":
		whole, err = check(dir, stdout)
	case "export":
		err = export(dir, stdout)
	case "backup":
		whole, err = backup(dir, args[2], stdout)
	case "moved":
		if err = disk.Moved(dir); err == nil {
			fmt.Fprintf(stdout, "%s goes on counting where it ended.\n", dir)
		}
	}
	if err != nil {
		fmt.Fprintf(stderr, "crier feed %s: %v\n", args[0], err)
	}
	if err != nil || !whole {
		return exitFailed
	}
	return exitOK
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "--help" || arg == "-help" || arg == "-h"
}

func wrongUse(command string, known bool, folders int) string {
	switch {
	case !known:
		return fmt.Sprintf("there is no command %q", command)
	case folders == 2:
		return command + " takes two folders: the feed's, and one to make"
	}
	return command + " takes one folder"
}

// check prints what a folder holds, and says whether all is whole.
func check(dir string, stdout io.Writer) (whole bool, err error) {
	r, err := disk.Check(dir)
	if err != nil {
		return false, err
	}
	out := bufio.NewWriter(stdout)
	for _, f := range r.Files {
		printFile(out, f)
	}
	for i, l := range r.Lives {
		fmt.Fprintf(out, "life %d (%s): offsets from %d on\n", i+1, l.ID, l.First)
	}
	for _, g := range r.Gaps {
		if begins(r.Lives, g.To+1) {
			fmt.Fprintf(out, "seam: behind %d a new life begins with %d\n", g.From-1, g.To+1)
		} else {
			fmt.Fprintf(out, "missing: entries %d to %d\n", g.From, g.To)
		}
	}
	for _, aside := range r.Asides {
		fmt.Fprintf(out, "set aside: %s (`crier feed export %s` reads what can be read)\n", aside, aside)
	}
	printState(out, dir, r)
	return !r.Flawed(), out.Flush()
}

func begins(lives []disk.LifeReport, offset uint64) bool {
	for _, l := range lives {
		if l.First == offset {
			return true
		}
	}
	return false
}

func printFile(out io.Writer, f disk.FileReport) {
	fmt.Fprintf(out, "%s: %d bytes, ", f.Name, f.Bytes)
	if f.Entries == 0 {
		fmt.Fprint(out, "no entries\n")
	} else {
		fmt.Fprintf(out, "%d entries, %d to %d\n", f.Entries, f.First, f.Last)
	}
	for _, flaw := range f.Flaws {
		fmt.Fprintf(out, "  DAMAGED, bytes %d to %d: %s\n", flaw.From, flaw.To, flaw.What)
	}
	if f.Holes > 0 {
		fmt.Fprintf(out, "  %d damaged parts were set aside before\n", f.Holes)
	}
	if f.Unfinished {
		fmt.Fprint(out, "  ends with a write that is under way, or that a crash has interrupted\n")
	}
}

func printState(out io.Writer, dir string, r *disk.Report) {
	switch {
	case r.State == "":
		fmt.Fprint(out, "feed.state: there is none\n")
	case r.Own:
		fmt.Fprintf(out, "feed.state: %s; these are the files that were written last\n", r.State)
	default:
		fmt.Fprintf(out, "feed.state: %s; these are not the files that were written last, so the next start begins a new life "+
			"(if the folder was moved whole: `crier feed moved %s`)\n", r.State, dir)
	}
	if r.Flawed() {
		fmt.Fprint(out, "Some of it is DAMAGED. Crier keeps what is whole, and sets the rest aside when it starts. To have the "+
			"rest back, stop Crier and put a backup in the place of the folder.\n")
		return
	}
	fmt.Fprint(out, "All is whole.\n")
}

// line is an entry as export writes it.
type line struct {
	Offset      uint64          `json:"offset"`
	At          int64           `json:"at"`
	Kind        string          `json:"kind"`
	Room        string          `json:"room"`
	From        string          `json:"from"`
	ID          string          `json:"id"`
	Data        json.RawMessage `json:"data"`
	Attachments [][]byte        `json:"attachments"`
	Damaged     bool            `json:"damaged,omitempty"`
}

func export(dir string, stdout io.Writer) error {
	out := bufio.NewWriter(stdout)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	err := disk.Export(dir, func(e *feed.Entry, damaged bool) error {
		l := line{e.Offset, e.At, e.Kind.String(), e.Room, e.From, e.ID, e.Data, e.Attachments, damaged}
		if l.Attachments == nil {
			l.Attachments = [][]byte{}
		}
		if !json.Valid(l.Data) {
			l.Data, _ = json.Marshal(strings.ToValidUTF8(string(e.Data), "\uFFFD"))
		}
		return lines.Encode(l)
	})
	if failed := out.Flush(); err == nil {
		err = failed
	}
	return err
}

// backup copies a folder, and says whether all of the copy is whole.
func backup(dir, to string, stdout io.Writer) (whole bool, err error) {
	if err := disk.Backup(dir, to); err != nil {
		return false, err
	}
	r, err := disk.Check(to)
	if err != nil {
		return false, err
	}
	entries := 0
	for _, f := range r.Files {
		entries += f.Entries
	}
	fmt.Fprintf(stdout, "%d entries were copied to %s.\n", entries, to)
	if r.Flawed() {
		fmt.Fprintf(stdout, "The feed is DAMAGED, and so is the copy: `crier feed check %s` tells where.\n", to)
	}
	return !r.Flawed(), nil
}

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/bench/attack"
	"github.com/crier/crier/bench/load"
)

func answered(p99 time.Duration) *load.Result {
	return &load.Result{Ops: 100, Seconds: 1, Latency: &load.Latency{P50: p99 / 2, P99: p99}}
}

func TestAnAttackIsJudgedByMediansAndLosesNothing(t *testing.T) {
	quick, slow := answered(time.Millisecond), answered(4*time.Millisecond)
	lost := answered(time.Millisecond)
	lost.Missing = 1
	for _, c := range []struct {
		what string
		seen []sight
		kept bool
	}{
		{"one bad round of three", []sight{{quick, quick, 1}, {quick, slow, 1}, {quick, quick, 1}}, true},
		{"two bad rounds of three", []sight{{quick, slow, 1}, {quick, slow, 1}, {quick, quick, 1}}, false},
		{"an answer lost", []sight{{quick, quick, 1}, {quick, lost, 1}, {quick, quick, 1}}, false},
		{"nobody could connect", []sight{{quick, nil, 1}}, false},
	} {
		a := attack.Attacks[0]
		m := &campaign{seen: map[string][]sight{a.Name: c.seen}}
		if v := m.judge(a); v.kept() != c.kept {
			t.Errorf("%s: %+v, kept is %v", c.what, v, v.kept())
		}
	}
}

func TestTheReportNamesEveryAttack(t *testing.T) {
	c := &campaign{root: t.TempDir(), attacks: attack.Attacks, seen: map[string][]sight{}, began: time.Now()}
	for _, a := range c.attacks {
		c.seen[a.Name] = []sight{{answered(time.Millisecond), answered(2 * time.Millisecond), 42}}
	}
	if err := c.report(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(c.path("report", "attack.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.attacks {
		row := "| " + a.Name + " | 1.0 | 2.0 | 2.0 | 0 | 42 | kept |"
		for _, want := range []string{row, "**" + a.Name + "**: " + a.What} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the report lacks %q", want)
			}
		}
	}
}

package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wellFormed fails if svg is not XML, or has a number that is none.
func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	if s := string(svg); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
		t.Errorf("a coordinate is no number:\n%s", s)
	}
}

func TestAChartIsWellFormed(t *testing.T) {
	for name, c := range map[string]*Chart{
		"empty":     {Title: "a < b", X: "x", Y: `"y"`},
		"no place":  {Series: []Series{{Points: []Point{{0, 1}, {1, 0}, {1, math.Inf(1)}, {math.NaN(), 1}, {1, 1}}}}},
		"one point": {Series: []Series{{Name: "<&>", Points: []Point{{1, 1}}}}},
		"lines": {Series: []Series{{Name: "a", Points: []Point{{1, 1}, {10, 0.01}}}, {Name: "none"},
			{Name: "b", Bold: true, Points: []Point{{5, 300}}}}},
	} {
		t.Run(name, func(t *testing.T) { wellFormed(t, c.SVG()) })
	}
}

func TestEveryPointLiesWithinTheAxes(t *testing.T) {
	c := &Chart{Series: []Series{{Points: []Point{{50, 0.2}, {2000, 90}}}, {Points: []Point{{100, 7}}}}}
	x, y, _ := c.axes()
	for _, s := range c.Series {
		for _, p := range s.Points {
			if px := x.at(p.X); px < left || px > width-right {
				t.Errorf("x %v is drawn at %v", p.X, px)
			}
			if py := y.at(p.Y); py < top || py > height-bottom {
				t.Errorf("y %v is drawn at %v", p.Y, py)
			}
		}
	}
	if y.at(90) > y.at(7) {
		t.Error("more is drawn below less")
	}
}

func TestNamesDoNotLieOnEachOther(t *testing.T) {
	c := &Chart{}
	for range 5 {
		c.Series = append(c.Series, Series{Name: "x", Points: []Point{{1, 1}, {2, 10}}})
	}
	_, y, _ := c.axes()
	at := c.names(y)
	for i := range at {
		for j := range i {
			if math.Abs(at[i]-at[j]) < nameHeight {
				t.Fatalf("names stand at %v", at)
			}
		}
	}
}

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0123456: "0.0123", 12.3456: "12.3", 12345: "12300", 20: "20"} {
		if got := short(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

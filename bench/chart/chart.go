// Package chart draws lines over logarithmic axes as SVG.
//
// It is a small writer of its own because the charts are all of one kind: a few lines, each named where it ends. The
// libraries that could draw them bring fonts and a rasterizer along (gonum/plot, go-chart) or make pages with scripts
// (go-echarts), and the picture is to follow the reader's light or dark page, which takes a style in the SVG.
package chart

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
)

// A Chart is lines over one pair of axes.
type Chart struct {
	Title  string
	X, Y   string // what the axes measure
	Series []Series
}

// A Series is one line.
type Series struct {
	Name   string
	Bold   bool
	Points []Point // from left to right; those without a logarithm are left out
}

// A Point is one measurement.
type Point struct{ X, Y float64 }

// The picture's measures in pixels. There is room for the names on the right.
const (
	width, height            = 760, 440
	left, top, right, bottom = 64, 48, 130, 52
	nameHeight               = 15
)

// colors are distinguishable for colour-blind readers, on white and on dark grey (Okabe and Ito's, without yellow and
// black).
var colors = []string{"#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#7f7f7f"}

const style = `<style>
text{font:12px system-ui,sans-serif;fill:#333}
.title{font-size:15px;font-weight:600}
.grid{stroke:#8884;stroke-width:1}
@media (prefers-color-scheme:dark){text{fill:#ccc}}
</style>
`

// SVG draws the chart; without any point there are only its title and its axes' names.
func (c *Chart) SVG() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" `+
		`aria-label="%s">`+"\n",
		width, height, width, height, html.EscapeString(c.Title))
	b.WriteString(style)
	text(&b, left, 24, "start", "title", c.Title)
	text(&b, (left+width-right)/2, height-12, "middle", "", c.X)
	text(&b, left, top-8, "end", "", c.Y)
	drawn := c.drawable()
	if x, y, ok := drawn.axes(); ok {
		drawn.grid(&b, x, y)
		drawn.lines(&b, x, y)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// drawable returns the chart without the points that have no place on its axes.
func (c *Chart) drawable() *Chart {
	d := *c
	d.Series = slices.Clone(c.Series)
	for i := range d.Series {
		d.Series[i].Points = slices.DeleteFunc(slices.Clone(d.Series[i].Points), func(p Point) bool {
			return !positive(p.X) || !positive(p.Y)
		})
	}
	return &d
}

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }

// An axis maps values to pixels by their logarithm.
type axis struct{ from, to, atFrom, atTo float64 }

func (a axis) at(v float64) float64 {
	return a.atFrom + (math.Log(v)-math.Log(a.from))/(math.Log(a.to)-math.Log(a.from))*(a.atTo-a.atFrom)
}

// axes fits the axes to the points.
func (c *Chart) axes() (x, y axis, ok bool) {
	x = axis{math.Inf(1), 0, left, width - right}
	y = axis{math.Inf(1), 0, height - bottom, top}
	for _, s := range c.Series {
		for _, p := range s.Points {
			x.from, x.to = min(x.from, p.X), max(x.to, p.X)
			y.from, y.to = min(y.from, p.Y), max(y.to, p.Y)
			ok = true
		}
	}
	if x.from == x.to {
		x.from, x.to = x.from/2, x.to*2
	}
	y.from, y.to = y.from/1.3, y.to*1.3
	return x, y, ok
}

// grid draws a line at each measured X, and at 1, 2 and 5 of each decade of Y.
func (c *Chart) grid(b *bytes.Buffer, x, y axis) {
	var xs []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			xs = append(xs, p.X)
		}
	}
	slices.Sort(xs)
	for _, v := range slices.Compact(xs) {
		line(b, x.at(v), top, x.at(v), height-bottom)
		text(b, x.at(v), height-bottom+18, "middle", "", short(v))
	}
	for decade := math.Floor(math.Log10(y.from)); decade <= math.Log10(y.to); decade++ {
		for _, step := range []float64{1, 2, 5} {
			if v := step * math.Pow(10, decade); v >= y.from && v <= y.to {
				line(b, left, y.at(v), width-right, y.at(v))
				text(b, left-8, y.at(v)+4, "end", "", short(v))
			}
		}
	}
}

func (c *Chart) lines(b *bytes.Buffer, x, y axis) {
	ends := c.names(y)
	for i, s := range c.Series {
		if len(s.Points) == 0 {
			continue
		}
		color, stroke := colors[i%len(colors)], 1.8
		if s.Bold {
			stroke = 3.5
		}
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="%.1f" stroke-linejoin="round" points="`, color,
			stroke)
		for _, p := range s.Points {
			fmt.Fprintf(b, "%.1f,%.1f ", x.at(p.X), y.at(p.Y))
		}
		b.WriteString("\"/>\n")
		for _, p := range s.Points {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"><title>%s: %s %s, %s %s</title></circle>`+"\n",
				x.at(p.X), y.at(p.Y), stroke+1, color,
				html.EscapeString(s.Name), short(p.X), html.EscapeString(c.X), short(p.Y), html.EscapeString(c.Y))
		}
		last := s.Points[len(s.Points)-1]
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" style="fill:%s">%s</text>`+"\n",
			max(x.at(last.X), width-right)+10, ends[i]+4, color, html.EscapeString(s.Name))
	}
}

// names returns how high each line's name stands: where the line ends, but not on another name.
func (c *Chart) names(y axis) []float64 {
	at := make([]float64, len(c.Series))
	var order []int
	for i, s := range c.Series {
		if len(s.Points) > 0 {
			at[i] = y.at(s.Points[len(s.Points)-1].Y)
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return int(math.Copysign(1, at[i]-at[j])) })
	for n := 1; n < len(order); n++ {
		at[order[n]] = max(at[order[n]], at[order[n-1]]+nameHeight)
	}
	return at
}

func line(b *bytes.Buffer, x1, y1, x2, y2 float64) {
	fmt.Fprintf(b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", x1, y1, x2, y2)
}

func text(b *bytes.Buffer, x, y float64, anchor, class, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`+"\n", x, y, anchor, class,
		html.EscapeString(s))
}

// short writes a number with at most three digits that count.
func short(v float64) string { return strconv.FormatFloat(roundTo3(v), 'f', -1, 64) }

func roundTo3(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

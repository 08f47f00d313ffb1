package config

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// width is where lines of help break.
const width = 100

// WriteYAML writes every setting with its effect, what it allows, its default, its source, and the value.
// What it writes can be used as the file.
func (c *Config) WriteYAML(w io.Writer) error {
	var text strings.Builder
	for i, s := range settings {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(wrap(s.effect, "# "))
		text.WriteString(wrap("Allowed: "+s.allowed+".", "# "))
		fmt.Fprintf(&text, "# Default: %s. Source: %s.\n", s.yaml(defaults), c.origin(s))
		fmt.Fprintf(&text, "%s: %s\n", s.name, s.yaml(c))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// WriteFlags writes every setting as a flag, for the help.
func WriteFlags(w io.Writer) error {
	var text strings.Builder
	for _, s := range settings {
		fmt.Fprintf(&text, "  --%s %s   (default %s)\n", s.flag(), s.word, cmp.Or(s.fallback, "none"))
		text.WriteString(wrap(s.effect, "        "))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// WriteMarkdown writes every setting as a row of a table, for the README.
func WriteMarkdown(w io.Writer) error {
	var text strings.Builder
	text.WriteString("| Setting | Default | Effect |\n|---|---|---|\n")
	for _, s := range settings {
		fmt.Fprintf(&text, "| `%s` | `%s` | %s |\n", s.name, s.yaml(defaults), strings.ReplaceAll(s.effect, "|", `\|`))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

var defaults = Default()

// Text returns the value of the setting of this name as it is written in the file.
func (c *Config) Text(name string) string { return lookup(name, settingName).yaml(c) }

// Source returns where the setting of this name got its value, such as "CRIER_ADDR", "--addr" or "default".
func (c *Config) Source(name string) string { return c.origin(lookup(name, settingName)) }

func (c *Config) origin(s *setting) string {
	if where, ok := c.origins[s.name]; ok {
		return where
	}
	return "default"
}

// wrap breaks text into lines that begin with indent.
func wrap(text, indent string) string {
	var lines strings.Builder
	column := width
	for word := range strings.FieldsSeq(text) {
		if column+1+len(word) > width {
			if lines.Len() > 0 {
				lines.WriteByte('\n')
			}
			lines.WriteString(indent)
			column = len(indent)
		} else {
			lines.WriteByte(' ')
			column++
		}
		lines.WriteString(word)
		column += len(word)
	}
	return lines.String() + "\n"
}

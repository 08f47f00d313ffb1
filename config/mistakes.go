package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Mistakes is the error of settings that cannot be used: one sentence for each, in the order read.
type Mistakes []string

// Error returns the mistakes, one on each line.
func (m Mistakes) Error() string { return strings.Join(m, "\n") }

func (m *Mistakes) add(format string, args ...any) { *m = append(*m, fmt.Sprintf(format, args...)) }

// unknown reports a name that no setting has, and the known one that it means or resembles.
func (m *Mistakes) unknown(where, wrong string, known []string) {
	sentence := where + ": there is no such setting"
	if meant := synonym(wrong, known); meant != "" {
		sentence += "; did you mean " + meant + "?"
	} else if near := Nearest(wrong, known); near != "" {
		sentence += "; did you mean " + near + "?"
	}
	*m = append(*m, sentence)
}

// synonyms are names that other programs have for what a setting does.
var synonyms = map[string]string{
	"port": "addr", "p": "addr", "listen": "addr", "bind": "addr", "host": "addr", "address": "addr", "http_port": "addr",
	"origin": "allowed_origins", "origins": "allowed_origins", "cors": "allowed_origins", "cors_origin": "allowed_origins",
	"allowed_host": "allowed_hosts", "hosts": "allowed_hosts", "vhosts": "allowed_hosts",
	"v": "log_level", "verbose": "log_level", "debug": "log_level", "loglevel": "log_level", "level": "log_level",
	"d": "data", "data_dir": "data", "dir": "data", "folder": "data", "data_folder": "data",
	"c": flagFile, "conf": flagFile, "file": flagFile, "proxies": "trusted_proxies", "trust_proxy": "trusted_proxies",
}

// examples show, for settings of which many expect something else, how they are written.
var examples = map[string]string{"addr": ":8080", "log_level": "debug"}

// synonym returns the known name of the setting that wrong means, with an example if it has one.
func synonym(wrong string, known []string) string {
	meant := synonyms[bare(wrong)]
	for _, name := range known {
		if meant == "" || bare(name) != meant {
			continue
		}
		switch example := examples[meant]; {
		case example == "":
			return name
		case strings.HasPrefix(name, "--"):
			return name + " " + example
		case strings.HasPrefix(name, envPrefix):
			return name + "=" + example
		default:
			return name + ": " + strconv.Quote(example)
		}
	}
	return ""
}

// bare is a name without what flags and variables add to it.
func bare(name string) string {
	name = strings.TrimPrefix(strings.TrimLeft(name, "-"), envPrefix)
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// Nearest returns the known name that takes the fewest edits to reach from wrong, or "" when none is near enough to
// be worth asking: a third of its letters.
func Nearest(wrong string, known []string) string {
	best, least := "", len(wrong)/3+1
	for _, name := range known {
		if n := distance(strings.ToLower(wrong), strings.ToLower(name)); n < least {
			best, least = name, n
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace (Levenshtein) between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

func names(name func(*setting) string) []string {
	list := make([]string, len(settings))
	for i, s := range settings {
		list[i] = name(s)
	}
	return list
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// namedFile is where the file is, and who said so.
type namedFile struct{ path, where string }

// readFile reads the first of the candidates that is given, and applies it.
func (r *reader) readFile(candidates ...*namedFile) {
	for _, file := range candidates {
		if file == nil {
			continue
		}
		text, err := os.ReadFile(file.path)
		if err != nil {
			r.mistakes.add("%s: %v; it must be a YAML file that can be read", file.where, err)
			return
		}
		r.applyYAML(file.path, text)
		return
	}
}

// Check reports what is wrong with a file of settings, as Load does, whatever the environment and the command line say.
func Check(path string) error {
	r := &reader{config: Default()}
	r.readFile(&namedFile{path: path, where: path})
	if len(r.mistakes) > 0 {
		return r.mistakes
	}
	return nil
}

// applyYAML reads a document whose keys are names of settings and whose values are scalars or lists of scalars.
func (r *reader) applyYAML(path string, text []byte) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		r.mistakes.add("%s: it is written in UTF-16; save it as UTF-8", path)
		return
	}
	document, err := parser.ParseBytes(bytes.TrimPrefix(text, []byte("\ufeff")), 0) // Windows editors write the mark
	if err != nil {
		r.mistakes.add("%s", describe(path, err))
		return
	}
	for _, doc := range document.Docs {
		for _, entry := range r.entries(path, doc.Body) {
			r.apply(r.parseEntry(path, entry))
		}
	}
}

// describe puts a YAML error into one line that names the file and the line.
func describe(path string, err error) string {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		return fmt.Sprintf("%s, line %d: %s", path, syntax.GetToken().Position.Line, syntax.GetMessage())
	}
	return path + ": " + err.Error()
}

// entries returns the key-value pairs of a document; one that is empty, or all comments, has none.
func (r *reader) entries(path string, body ast.Node) []*ast.MappingValueNode {
	switch node := body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil
	case *ast.MappingNode:
		return node.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}
	default:
		r.mistakes.add("%s, line %d: settings are written as name: value", path, line(node))
		return nil
	}
}

func (r *reader) parseEntry(path string, entry *ast.MappingValueNode) []given {
	key := entry.Key.GetToken().Value
	where := fmt.Sprintf("%s (%s, line %d)", key, path, line(entry.Key))
	s := lookup(key, settingName)
	if s == nil {
		r.mistakes.unknown(where, key, names(settingName))
		return nil
	}
	text, ok := scalars(entry.Value)
	if !ok {
		r.mistakes.add("%s: the value is not a plain one; it must be %s", where, s.allowed)
		return nil
	}
	return []given{{setting: s, where: where, text: text}}
}

// scalars returns the text of a scalar as it stands in the file, before YAML makes a number or time of it, and that of
// a list with commas between its items.
func scalars(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.NullNode:
		return "", true
	case *ast.LiteralNode:
		return strings.TrimSpace(node.Value.Value), true
	case ast.ScalarNode:
		return node.GetToken().Value, true
	case *ast.SequenceNode:
		items := make([]string, len(node.Values))
		for i, item := range node.Values {
			scalar, ok := item.(ast.ScalarNode)
			if !ok {
				return "", false
			}
			items[i] = scalar.GetToken().Value
		}
		return strings.Join(items, ","), true
	default:
		return "", false
	}
}

func line(node ast.Node) int { return node.GetToken().Position.Line }

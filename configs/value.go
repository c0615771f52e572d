package configs

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is one node of a file with its path. An absent value has no node; reading it gives zero values and no problem, so that
// optional parts need no branches.
type value struct {
	r    *reader
	node *yaml.Node
	path string
}

// given reports whether something was written. A key without a value counts as left out.
func (v value) given() bool { return v.node != nil && !isNull(v.node) }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// quoted reports whether the scalar was written in quotes or as a block.
func quoted(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// problem records what is wrong with this value.
func (v value) problem(hint, text string, args ...any) {
	line := 0
	if v.node != nil {
		line = v.node.Line
	}
	v.r.problem(line, hint, text, args...)
}

// label is how problems name the value: its path, or "the file".
func (v value) label() string {
	if v.path == "" {
		return "the file"
	}
	return v.path
}

// scalar gives the exact text of a scalar, quoted or not.
func (v value) scalar() (string, bool) {
	switch {
	case v.node == nil:
		return "", false
	case v.node.Kind != yaml.ScalarNode:
		v.problem("", "%s must be a single value, not %s", v.label(), kindName(v.node))
		return "", false
	case isNull(v.node):
		v.problem("give one, or remove the key", "%s has no value", v.label())
		return "", false
	}
	return v.node.Value, true
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// text gives a trimmed text.
func (v value) text() string {
	s, ok := v.scalar()
	if !ok {
		return ""
	}
	s = strings.TrimSpace(s)
	if s == "" {
		v.problem("give one, or remove the key", "%s is empty", v.label())
	}
	return s
}

// filePath gives a file path, resolved beside the configuration.
func (v value) filePath() string {
	if v.node == nil {
		return ""
	}
	return v.r.beside(v.text())
}

// oneOf gives a text that must be one of a closed set; absent gives the first.
func (v value) oneOf(allowed ...string) string {
	if v.node == nil {
		return allowed[0]
	}
	s := v.text()
	if s == "" || slices.Contains(allowed, s) {
		return s
	}
	hint := didYouMean(s, allowed)
	if hint == "" {
		hint = "one of " + strings.Join(allowed, ", ")
	}
	v.problem(hint, "%s: %q is not known", v.label(), s)
	return allowed[0]
}

// items gives the values of a list.
func (v value) items() []value {
	if !v.given() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.problem("write it as [a, b] or with a dash a line", "%s must be a list, not %s", v.label(), kindName(v.node))
		return nil
	}
	items := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		items[i] = value{v.r, n, at(v.path, i)}
	}
	return items
}

// texts gives a list of texts without repetitions.
func (v value) texts() []string {
	var list []string
	for _, item := range v.items() {
		s := item.text()
		if s != "" && slices.Contains(list, s) {
			item.problem("keep one", "%s: %q is in the list twice", v.label(), s)
			continue
		}
		if s != "" {
			list = append(list, s)
		}
	}
	return list
}

// entry is one key of a mapping whose keys are names rather than settings.
type entry struct {
	key   string
	keyAt value // for problems with the key itself
	value value
}

// entries gives a mapping's entries in the order written.
func (v value) entries() []entry {
	if !v.given() {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.problem("", "%s must be a mapping, not %s", v.label(), kindName(v.node))
		return nil
	}
	var list []entry
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, n := v.node.Content[i], v.node.Content[i+1]
		path := join(v.path, key.Value)
		list = append(list, entry{key.Value, value{v.r, key, path}, value{v.r, n, path}})
	}
	return list
}

// section is a mapping of settings. Keys become known by being asked for; close refuses all others.
type section struct {
	value
	have  map[string]*yaml.Node
	known []string
	keys  []*yaml.Node
}

// section opens a mapping of settings. An absent value gives an empty section.
func (v value) section() *section {
	s := &section{value: v, have: map[string]*yaml.Node{}}
	if !v.given() {
		return s
	}
	if v.node.Kind != yaml.MappingNode {
		v.problem("", "%s must be a mapping of settings, not %s", v.label(), kindName(v.node))
		s.node = nil
		return s
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		s.have[v.node.Content[i].Value] = v.node.Content[i+1]
		s.keys = append(s.keys, v.node.Content[i])
	}
	return s
}

// there reports whether the section was written; requirements inside an absent one are not told.
func (s *section) there() bool { return s.given() }

// get gives the value under a key; absent when it is not written.
func (s *section) get(key string) value {
	if !slices.Contains(s.known, key) {
		s.known = append(s.known, key)
	}
	return value{s.r, s.have[key], join(s.path, key)}
}

// need is get for a key that must be written.
func (s *section) need(key, why string) value {
	v := s.get(key)
	if v.node == nil && s.there() {
		s.problem(why, "%s is missing", join(s.path, key))
	}
	return v
}

// close refuses the keys that nobody asked for.
func (s *section) close() {
	for _, key := range s.keys {
		if slices.Contains(s.known, key.Value) || s.r.isUnbuilt(join(s.path, key.Value)) {
			continue
		}
		hint := didYouMean(key.Value, s.known)
		if hint == "" {
			hint = "known keys: " + strings.Join(s.known, ", ")
		}
		s.r.problem(key.Line, hint, "unknown key %s", join(s.path, key.Value))
	}
}

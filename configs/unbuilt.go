package configs

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// unbuilt is a part of the public contract that this version does not have. Writing it is refused with a sentence, so that nobody
// relies on a protection that is not there.
type unbuilt struct {
	path string // of the key, with [] for any index
	when func(*yaml.Node) bool
	what string
}

// unbuiltInConfig lists what the main file cannot have yet. Building one of them means taking its row out.
var unbuiltInConfig = []unbuilt{
	{"timelocks[].kind", otherThan("openzeppelin"), "a timelock that is not openzeppelin"},
	{"members[].page", written, "paging members"},
}

// written reports whether a value says anything: an empty list or mapping does not.
func written(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && !isNull(n) || len(n.Content) > 0
}

func otherThan(text string) func(*yaml.Node) bool {
	return func(n *yaml.Node) bool { return written(n) && n.Value != text }
}

var anyIndex = regexp.MustCompile(`\[\d+\]`)

// isUnbuilt reports whether a key is one that refuseUnbuilt judges.
func (r *reader) isUnbuilt(path string) bool {
	pattern := anyIndex.ReplaceAllString(path, "[]")
	for _, u := range r.unbuilt {
		if u.path == pattern {
			return true
		}
	}
	return false
}

// refuseUnbuilt tells every use of a capability that is not there yet.
func (r *reader) refuseUnbuilt(n *yaml.Node, path string) {
	pattern := anyIndex.ReplaceAllString(path, "[]")
	for _, u := range r.unbuilt {
		if u.path == pattern && u.when(n) {
			r.problem(r.lines[path], "", "%s is not built yet: remove %s for now", u.what, path)
		}
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.refuseUnbuilt(n.Content[i+1], join(path, n.Content[i].Value))
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			r.refuseUnbuilt(child, at(path, i))
		}
	}
}

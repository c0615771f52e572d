package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes bounds a configuration, playbook or ABI file.
const maxFileBytes = 1 << 20

// maxDepth bounds how deep a file nests; a tuple of tuples in a playbook's call reaches about twelve.
const maxDepth = 32

// reader reads one file and collects what is wrong with it.
type reader struct {
	file        string
	skipSecrets bool
	unbuilt     []unbuilt // what this kind of file cannot have yet
	problems    []Problem
	warnings    []Problem
	lines       map[string]int // path → line, for Where
}

// problem records what is wrong at a line.
func (r *reader) problem(line int, hint, text string, args ...any) {
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Text: fmt.Sprintf(text, args...), Hint: hint})
}

// warn records a doubt that does not keep Belay from running.
func (r *reader) warn(line int, hint, text string, args ...any) {
	r.warnings = append(r.warnings, Problem{File: r.file, Line: line, Text: fmt.Sprintf(text, args...), Hint: hint})
}

// document parses the file into one YAML document. It returns an absent value, with the problem recorded, when it cannot.
func (r *reader) document() value {
	none := value{r: r}
	raw, err := readBounded(r.file)
	if err != nil {
		r.problem(0, "", "%v", err)
		return none
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.problem(0, "", "the file is empty")
		return none
	case err != nil:
		r.syntax(err)
		return none
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		r.problem(max(second.Line, 1), "keep one document a file", "there is a second YAML document")
		return none
	}
	root := value{r: r, node: doc.Content[0]}
	if !r.plain(root.node, 0) {
		return none
	}
	r.lines = map[string]int{}
	r.index(root.node, "")
	r.refuseUnbuilt(root.node, "")
	return root
}

// readBounded reads a file that must not be larger than maxFileBytes.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", errors.Unwrap(err))
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if len(raw) > maxFileBytes {
		return nil, fmt.Errorf("is larger than %d bytes", maxFileBytes)
	}
	return raw, nil
}

var yamlErrorLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntax records the YAML library's error, whose line is only known from its text.
func (r *reader) syntax(err error) {
	text, line := err.Error(), 0
	if m := yamlErrorLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	r.problem(line, "", "this is not YAML: %s", strings.TrimPrefix(text, "yaml: "))
}

// plain refuses the YAML that hides what a file says: anchors, aliases, merge keys, own tags, keys that are not text, keys
// given twice. Refusing aliases and deep nesting also bounds the work by the file's size.
func (r *reader) plain(n *yaml.Node, depth int) bool {
	switch {
	case depth > maxDepth:
		r.problem(n.Line, "", "nested deeper than %d", maxDepth)
		return false
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.problem(n.Line, "write it out in full", "anchors and aliases are not used here")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.problem(n.Line, "remove it", "the tag %s is not used here", n.Tag)
		return false
	}
	ok := true
	if n.Kind == yaml.MappingNode {
		ok = r.plainKeys(n)
	}
	for _, child := range n.Content {
		ok = r.plain(child, depth+1) && ok
	}
	return ok
}

func (r *reader) plainKeys(n *yaml.Node) bool {
	ok, seen := true, map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch first, twice := seen[key.Value]; {
		case key.Kind == yaml.MappingNode:
			r.problem(key.Line, `a template is quoted: "{{name}}"`, "a mapping cannot be a key")
			return false
		case key.Kind != yaml.ScalarNode:
			r.problem(key.Line, "", "a key must be plain text")
			return false
		case key.Tag == "!!merge":
			r.problem(key.Line, "write it out in full", "merge keys are not used here")
			ok = false
		case twice:
			r.problem(key.Line, "keep one", "%s is given twice, first on line %d", key.Value, first)
			ok = false
		}
		seen[key.Value] = key.Line
	}
	return ok
}

// index remembers the line of every value under its path: "calls[0].args[1]", "params.asset.min". A mapping's entry is told at
// the line of its key.
func (r *reader) index(n *yaml.Node, path string) {
	if _, known := r.lines[path]; !known {
		r.lines[path] = n.Line
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			under := join(path, n.Content[i].Value)
			r.lines[under] = n.Content[i].Line
			r.index(n.Content[i+1], under)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			r.index(child, at(path, i))
		}
	}
}

// places tells where in a file each path is. It is kept with what was read, for problems found later.
type places struct {
	file  string
	lines map[string]int
}

// where gives "file:line" of the path, or of the nearest thing around it.
func (p places) where(path string) (file string, line int) {
	for {
		if line, ok := p.lines[path]; ok || path == "" {
			return p.file, line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// beside resolves a path that a configuration names, relative to the configuration file.
func (r *reader) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file), path)
}

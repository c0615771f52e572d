// Package specs judges, in tests, what we send by the vendors' own published schemas. They lie beside the checkout, in
// ../shared/specs; where they do not, Load says so and the caller skips loudly.
package specs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ErrAbsent says that the schemas are not on this machine.
var ErrAbsent = errors.New("the vendors' schemas are absent: no shared/specs beside the checkout")

// Schema is one document of schemas.
type Schema struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	file     string
	compiled map[string]*jsonschema.Schema
}

// Load opens a document by its file name.
func Load(name string) (*Schema, error) {
	path, err := find(name)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path) //nolint:gosec // a path that we made
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read schema %s: %w", name, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(name, document); err != nil {
		return nil, fmt.Errorf("add schema %s: %w", name, err)
	}
	return &Schema{compiler: c, file: name, compiled: map[string]*jsonschema.Schema{}}, nil
}

// find walks up from the working directory to the folder that holds shared/specs.
func find(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find schema: %w", err)
	}
	for {
		path := filepath.Join(dir, "shared", "specs", name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", ErrAbsent
		}
		dir = parent
	}
}

// Check judges a JSON document by the schema at a pointer, such as "/components/schemas/MessageCreateRequest"; "" is the
// whole document.
func (s *Schema) Check(pointer string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, ok := s.compiled[pointer]
	if !ok {
		var err error
		if schema, err = s.compiler.Compile(s.file + "#" + pointer); err != nil {
			return fmt.Errorf("compile schema %s: %w", pointer, err)
		}
		s.compiled[pointer] = schema
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return schema.Validate(instance)
}

package calldata

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ParseABI reads the functions of a contract's JSON ABI: the bare list, or a compiler artifact with an "abi" member. Each goes
// through the same parser as Solidity text. Functions with types that only libraries have are refused.
func ParseABI(data []byte) ([]Function, error) {
	return parseEntries(data, func(kind string) bool { return kind == "function" || kind == "" })
}

// parseEntries reads the entries of an ABI whose type is wanted.
func parseEntries(data []byte, wanted func(kind string) bool) ([]Function, error) {
	entries, err := abiEntries(data)
	if err != nil {
		return nil, err
	}
	var functions []Function
	for i, e := range entries {
		if !wanted(e.Type) {
			continue
		}
		f, err := e.function()
		if err != nil {
			return nil, fmt.Errorf("parse ABI: entry %d: %w", i, err)
		}
		functions = append(functions, f)
	}
	return functions, nil
}

func abiEntries(data []byte) ([]abiEntry, error) {
	var artifact struct {
		ABI []abiEntry `json:"abi"`
	}
	entries := &artifact.ABI
	var err error
	if strings.HasPrefix(strings.TrimSpace(string(data[:min(len(data), 64)])), "[") {
		err = json.Unmarshal(data, entries)
	} else {
		err = json.Unmarshal(data, &artifact)
	}
	if err != nil {
		return nil, fmt.Errorf("parse ABI: %w", err)
	}
	return *entries, nil
}

type abiEntry struct {
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	Inputs    []abiParam `json:"inputs"`
	Outputs   []abiParam `json:"outputs"`
	Anonymous bool       `json:"anonymous"`
}

type abiParam struct {
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	Components []abiParam `json:"components"`
	Indexed    bool       `json:"indexed"` // of events
}

// function parses the entry as Solidity text, and makes sure that no name or type of it was read as more than one.
func (e abiEntry) function() (Function, error) {
	f, err := ParseFunction(e.text())
	if err == nil && (f.Name != e.Name || len(f.Inputs) != len(e.Inputs) || len(f.Outputs) != len(e.Outputs)) {
		err = fmt.Errorf("%q is no function name, or one of its types is none", clip(e.Name, 40))
	}
	return f, err
}

func (e abiEntry) text() string {
	text := e.Name + "(" + paramsText(e.Inputs) + ")"
	if len(e.Outputs) > 0 {
		text += " returns (" + paramsText(e.Outputs) + ")"
	}
	return text
}

func paramsText(params []abiParam) string {
	list := make([]string, len(params))
	for i, p := range params {
		text := p.Type
		if dims, ok := strings.CutPrefix(p.Type, "tuple"); ok {
			text = "(" + paramsText(p.Components) + ")" + dims
		}
		name := p.Name
		if reserved[name] {
			name += "_"
		}
		list[i] = strings.TrimSpace(text + " " + name)
	}
	return strings.Join(list, ", ")
}

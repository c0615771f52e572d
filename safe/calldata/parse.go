package calldata

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
)

// Limits of a function text. They are far above what real contracts declare, and keep a hostile text from asking for memory
// that it did not pay for in length.
const (
	maxFunctionText = 8192 // bytes
	maxParams       = 256  // parameters and tuple members together
	maxNesting      = 8    // tuples within tuples
	maxDimensions   = 4    // [] after one type
	maxWords        = 4096 // 32-byte words that the fixed part of all parameters may take
)

// SyntaxError says where a function text stops being one.
type SyntaxError struct {
	Column   int    // 1-based, in bytes
	Expected string // what could have stood there
	Found    string // what stood there
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("column %d: expected %s, found %s", e.Column, e.Expected, e.Found)
}

// ParseFunction reads one function in Solidity text: a name, parameters with or without names, inline tuples, arrays, and
// optionally the keyword function, modifiers such as external view, and returns (…). Errors of form are *SyntaxError.
func ParseFunction(text string) (Function, error) {
	if len(text) > maxFunctionText {
		return Function{}, fmt.Errorf("parse function: %d bytes, at most %d", len(text), maxFunctionText)
	}
	p := &parser{text: text}
	f, err := p.function()
	if err != nil {
		return Function{}, fmt.Errorf("parse function %q: %w", clip(text, 80), err)
	}
	return f, nil
}

// ParseType reads one type in Solidity text, such as uint256, bytes32[2] or (address to,uint256 value)[].
func ParseType(text string) (abi.Type, error) {
	if len(text) > maxFunctionText {
		return abi.Type{}, fmt.Errorf("parse type: %d bytes, at most %d", len(text), maxFunctionText)
	}
	p := &parser{text: text}
	t, err := p.wholeType()
	if err != nil {
		return abi.Type{}, fmt.Errorf("parse type %q: %w", clip(text, 80), err)
	}
	return t, nil
}

// MustParseFunction is ParseFunction for texts in source code; it panics on a bad one.
func MustParseFunction(text string) Function {
	f, err := ParseFunction(text)
	if err != nil {
		panic(err)
	}
	return f
}

// parser walks the text once from left to right. pos is the byte after the present token.
type parser struct {
	text   string
	pos    int
	params int
}

// peek returns the next token without taking it: an identifier, a number, one punctuation character, or "" at the end.
func (p *parser) peek() string {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	end := p.pos
	for end < len(p.text) && isWordByte(p.text[end]) {
		end++
	}
	if end == p.pos && end < len(p.text) {
		end++
	}
	return p.text[p.pos:end]
}

func (p *parser) take() string {
	token := p.peek()
	p.pos += len(token)
	return token
}

// accept takes the next token if it is want.
func (p *parser) accept(want string) bool {
	if p.peek() != want {
		return false
	}
	p.take()
	return true
}

func (p *parser) expected(what string) error {
	found := p.peek()
	if found == "" {
		found = "the end"
	} else {
		found = strconv.Quote(clip(found, 40))
	}
	return &SyntaxError{Column: p.pos + 1, Expected: what, Found: found}
}

func (p *parser) function() (Function, error) {
	p.accept("function")
	name := p.peek()
	if !isIdentifier(name) {
		return Function{}, p.expected("a function name")
	}
	p.take()
	if p.peek() != "(" {
		return Function{}, p.expected(`"("`)
	}
	inputs, err := p.list(0)
	if err != nil {
		return Function{}, err
	}
	f := Function{Name: name}
	p.modifiers()
	var outputs []node
	if p.accept("returns") {
		if outputs, err = p.list(0); err != nil {
			return Function{}, err
		}
		if len(outputs) == 0 {
			return Function{}, p.expected("something in returns (…)")
		}
	}
	p.accept(";")
	if p.peek() != "" {
		return Function{}, p.expected("a modifier, returns (…) or the end")
	}
	if f.Inputs, err = arguments(inputs); err != nil {
		return Function{}, err
	}
	if f.Outputs, err = arguments(outputs); err != nil {
		return Function{}, err
	}
	return f.sealed(), nil
}

func (p *parser) wholeType() (abi.Type, error) {
	n, err := p.param(0)
	if err != nil {
		return abi.Type{}, err
	}
	if n.name != "" || p.peek() != "" {
		return abi.Type{}, p.expected("a type and nothing else")
	}
	args, err := arguments([]node{n})
	if err != nil {
		return abi.Type{}, err
	}
	return args[0].Type, nil
}

func (p *parser) modifiers() {
	for {
		switch p.peek() {
		case "external", "public", "view", "pure", "payable", "nonpayable", "virtual", "override":
			p.take()
		default:
			return
		}
	}
}

// list reads "(" parameters ")".
func (p *parser) list(depth int) ([]node, error) {
	if !p.accept("(") {
		return nil, p.expected(`"("`)
	}
	if p.accept(")") {
		return nil, nil
	}
	var nodes []node
	names := map[string]bool{}
	for {
		n, err := p.param(depth)
		if err != nil {
			return nil, err
		}
		if n.name != "" && names[n.name] {
			p.pos -= len(n.name) // back to the name just taken
			return nil, p.expected("a name of its own")
		}
		names[n.name] = true
		nodes = append(nodes, n)
		switch {
		case p.accept(","):
		case p.accept(")"):
			return nodes, nil
		default:
			return nil, p.expected(`"," or ")"`)
		}
	}
}

func (p *parser) param(depth int) (n node, err error) {
	if p.params++; p.params > maxParams {
		return n, p.expected(fmt.Sprintf("at most %d parameters", maxParams))
	}
	if n, err = p.baseType(depth); err != nil {
		return n, err
	}
	if err = p.dimensions(&n); err != nil {
		return n, err
	}
	if n.isReference() {
		_ = p.accept("memory") || p.accept("calldata") || p.accept("storage")
	}
	if word := p.peek(); isIdentifier(word) {
		if reserved[word] {
			return n, p.expected("a parameter name")
		}
		n.name = p.take()
	}
	return n, nil
}

func (p *parser) baseType(depth int) (n node, err error) {
	word := p.peek()
	if word == "tuple" {
		p.take()
		if p.peek() != "(" {
			return n, p.expected(`"(" after tuple`)
		}
		word = "("
	}
	if word != "(" {
		return p.elementary(word)
	}
	if depth == maxNesting {
		return n, p.expected(fmt.Sprintf("at most %d nested tuples", maxNesting))
	}
	n.base = "tuple"
	if n.fields, err = p.list(depth + 1); err == nil && len(n.fields) == 0 {
		err = p.expected("at least one member in the tuple before")
	}
	return n, err
}

func (p *parser) elementary(word string) (node, error) {
	base, ok := elementaryType(word)
	if !ok {
		return node{}, p.expected("a type (address, bool, string, bytes, bytes1–32, uint8–256, int8–256 or a tuple)")
	}
	p.take()
	if base == "address" {
		p.accept("payable")
	}
	return node{base: base}, nil
}

func (p *parser) dimensions(n *node) error {
	for p.peek() == "[" {
		if len(n.sizes) == maxDimensions {
			return p.expected(fmt.Sprintf("at most %d array dimensions", maxDimensions))
		}
		p.take()
		size := 0
		if word := p.peek(); word != "]" {
			size64, err := strconv.ParseUint(word, 10, 32)
			if err != nil || size64 == 0 || size64 > maxWords || word[0] == '0' {
				return p.expected(fmt.Sprintf(`"]" or an array length from 1 to %d`, maxWords))
			}
			size = int(size64)
			p.take()
		}
		if !p.accept("]") {
			return p.expected(`"]"`)
		}
		n.sizes = append(n.sizes, size)
		if size == 0 {
			n.dims += "[]"
		} else {
			n.dims += "[" + strconv.Itoa(size) + "]"
		}
	}
	return nil
}

// reserved words can not name a parameter; most of them there mean that something was forgotten.
var reserved = map[string]bool{
	"function": true, "returns": true, "tuple": true, "memory": true, "calldata": true, "storage": true, "indexed": true,
	"external": true, "public": true, "internal": true, "private": true, "view": true, "pure": true, "payable": true,
}

func isIdentifier(word string) bool {
	return word != "" && isWordByte(word[0]) && (word[0] < '0' || word[0] > '9')
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// clip shortens a text for an error message.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "…"
}

package calldata

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
)

// node is one parsed parameter or tuple member.
type node struct {
	name   string
	base   string // elementary type, or "tuple"
	dims   string // "[2][]" as written
	sizes  []int  // one a dimension, 0 for a dynamic one
	fields []node // of a tuple
}

func (n node) isReference() bool {
	return n.base == "tuple" || n.base == "string" || n.base == "bytes" || len(n.sizes) > 0
}

// words is the number of 32-byte words of the fixed part, a dynamic value counting as one of its element.
func (n node) words() int {
	total := 1
	if n.base == "tuple" {
		total = 0
		for _, f := range n.fields {
			total = min(total+f.words(), maxWords+1)
		}
	}
	for _, size := range n.sizes {
		total = min(total*max(size, 1), maxWords+1)
	}
	return total
}

// arguments turns parsed parameters into go-ethereum's.
func arguments(nodes []node) (abi.Arguments, error) {
	total := 0
	var args abi.Arguments
	for i, n := range nodes {
		if total += n.words(); total > maxWords {
			return nil, fmt.Errorf("the parameters take more than %d words", maxWords)
		}
		t, err := abi.NewType(n.base+n.dims, "", components(n.fields))
		if err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
		args = append(args, abi.Argument{Name: n.name, Type: t})
	}
	return args, nil
}

// components names every tuple member in a way that go-ethereum can make a Go struct field of: a member without a name, or
// with one that yields no distinct field, becomes argN.
func components(fields []node) []abi.ArgumentMarshaling {
	var list []abi.ArgumentMarshaling
	used := map[string]bool{}
	for i, f := range fields {
		name := f.name
		for n := i; !usableField(name) || used[abi.ToCamelCase(name)]; n += len(fields) {
			name = "arg" + strconv.Itoa(n)
		}
		used[abi.ToCamelCase(name)] = true
		list = append(list, abi.ArgumentMarshaling{Name: name, Type: f.base + f.dims, Components: components(f.fields)})
	}
	return list
}

func usableField(name string) bool {
	field := abi.ToCamelCase(name)
	return field != "" && !strings.Contains(field, "$") && (field[0] >= 'A' && field[0] <= 'Z')
}

// elementaryType returns the canonical name of an elementary type.
func elementaryType(word string) (string, bool) {
	switch word {
	case "address", "bool", "string", "bytes":
		return word, true
	case "uint", "int":
		return word + "256", true
	}
	for _, family := range []struct {
		prefix    string
		step, top int
	}{{"uint", 8, 256}, {"int", 8, 256}, {"bytes", 1, 32}} {
		digits, ok := strings.CutPrefix(word, family.prefix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err == nil && n > 0 && n <= family.top && n%family.step == 0 && strconv.Itoa(n) == digits {
			return word, true
		}
	}
	return "", false
}

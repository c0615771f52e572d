package calldata

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/ethereum/go-ethereum/crypto"
)

// checksumOf judges the checksum of a file. Since 2024 the name of a batch is left out of it; older files have it in.
func checksumOf(top map[string]any) Checksum {
	meta, _ := top["meta"].(map[string]any)
	stated := scalar(meta["checksum"])
	switch {
	case stated == "":
		return ChecksumAbsent
	case stated == batchChecksum(top, nil) || stated == batchChecksum(top, meta["name"]):
		return ChecksumRight
	}
	return ChecksumWrong
}

// batchChecksum is what the Transaction Builder computes: Keccak-256 over a serialisation with sorted keys
// (apps/tx-builder/src/lib/checksum.ts of safe-wallet-monorepo), without the checksum itself.
func batchChecksum(top map[string]any, name any) string {
	copied := maps.Clone(top)
	if meta, ok := top["meta"].(map[string]any); ok {
		bare := maps.Clone(meta)
		delete(bare, "checksum")
		bare["name"] = name
		copied["meta"] = bare
	}
	var b strings.Builder
	serialise(&b, copied)
	return crypto.Keccak256Hash([]byte(b.String())).Hex()
}

// serialise writes an object as its sorted keys and then each value with a comma behind it.
func serialise(b *strings.Builder, v any) {
	switch v := v.(type) {
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			serialise(b, item)
		}
		b.WriteByte(']')
	case map[string]any:
		names := slices.SortedFunc(maps.Keys(v), byUTF16) // as JavaScript sorts
		b.WriteByte('{')
		serialise(b, anys(names))
		for _, name := range names {
			serialise(b, v[name])
			b.WriteByte(',')
		}
		b.WriteByte('}')
	default:
		b.WriteString(leafText(v))
	}
}

func anys(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	return list
}

func byUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// leafText writes null, a boolean, a number or a text as JSON.stringify does.
func leafText(v any) string {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case json.Number:
		n, err := v.Float64() // JavaScript has no other numbers
		if err != nil {
			return "null"
		}
		text, err := json.Marshal(n) // in the form of ECMAScript
		if err != nil {
			return "null"
		}
		return string(text)
	case bool:
		return fmt.Sprint(v)
	}
	return "null"
}

// quoted writes a text as JSON.stringify does: unlike encoding/json it escapes no characters of HTML, and no line separators.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch short, ok := shortEscapes[r]; {
		case ok:
			b.WriteString(short)
		case r < ' ':
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

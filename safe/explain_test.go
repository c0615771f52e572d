package safe_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// revert encodes Error(string).
func revert(text string) []byte {
	data := append(common.FromHex("0x08c379a0"), words("0x20")...)
	data = append(data, common.LeftPadBytes([]byte{byte(len(text) >> 8), byte(len(text))}, 32)...)
	return append(data, common.RightPadBytes([]byte(text), (len(text)+31)/32*32)...)
}

func TestExplain(t *testing.T) {
	panicOf := func(code string) []byte { return append(common.FromHex("0x4e487b71"), words(code)...) }
	for _, tt := range []struct {
		name string
		data []byte
		want string // contained
	}{
		{"nothing", nil, "without a reason"},
		{"a Safe code", revert("GS026"), "GS026: a signature is not by an owner"},
		{"a bare Safe code", []byte("GS013"), "GS013: the inner call failed"},
		{"a text of an old Safe", revert("Hash has not been approved"), "GS025: an owner's approved hash is not on chain"},
		{"any other text", revert("ERC20: transfer amount exceeds balance"), "ERC20: transfer amount exceeds balance"},
		{"an empty text", revert(""), "an empty text"},
		{"a text of white space", revert("\n  "), "an empty text"},
		{"a text that is cut off", revert("some text")[:40], "truncated"},
		{"a text of 2^256 bytes", append(common.FromHex("0x08c379a0"), words("0x20", "0x"+strings.Repeat("ff", 32))...), "truncated"},
		{"an overflow", panicOf("0x11"), "panic 0x11: arithmetic overflow or underflow"},
		{"an unknown panic", panicOf("0x99"), "panic 0x99"},
		{"a panic that is cut off", panicOf("0x11")[:20], "malformed"},
		{"a known custom error", crypto.Keccak256([]byte("EnforcedPause()"))[:4], "EnforcedPause"},
		{"an unknown custom error", common.FromHex("0xdeadbeef0102"), "custom error 0xdeadbeef (6 bytes)"},
		{"three bytes", []byte{1, 2, 3}, "3 bytes"},
		{"several lines and a direction mark", revert("a\nb\u202Ec"), "a bc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := safe.Explain(tt.data); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestErrorCode(t *testing.T) {
	for text, want := range map[string]string{"GS026": "GS026", "Invalid owner provided": "GS026", "GS999": "", "GS026: but more": ""} {
		if got := safe.ErrorCode(revert(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := safe.ErrorCode(nil); got != "" {
		t.Errorf("nothing: got %q", got)
	}
}

func TestPrintableKeepsPlainTextAndCutsLongText(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":             "plain text",
		"Zürich → 東京":            "Zürich → 東京",
		"tab\tand\x00nul":        "tab and nul",
		"\u200bzero\u200dwidth":  "zerowidth",
		"bad \xff byte":          "bad \ufffd byte",
		strings.Repeat("x", 101): strings.Repeat("x", 100) + "…",
	} {
		if got := safe.Printable(in, 100); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(revert("GS026"))
	f.Add(revert("some\ntext")[:50])
	f.Add([]byte{0x4e, 0x48, 0x7b, 0x71, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		text := safe.Explain(data)
		if text == "" || utf8.RuneCountInString(text) > 400 || !utf8.ValidString(text) {
			t.Fatalf("%x gives %q", data, text)
		}
		for _, r := range text {
			if unicode.IsControl(r) {
				t.Fatalf("%x gives a control character: %q", data, text)
			}
		}
		_ = safe.ErrorCode(data)
	})
}

package calldata_test

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
	"belay/safe/calldata"
)

const marketErrors = `{"abi": [{"type": "function", "name": "pause", "inputs": []},
	{"type": "error", "name": "AboveCap", "inputs": [{"name": "asset", "type": "address"}, {"name": "cap", "type": "uint256"}]},
	{"type": "error", "name": "EnforcedPause", "inputs": []}]}`

func TestExplainNamesCustomErrors(t *testing.T) {
	known, err := calldata.ParseErrors([]byte(marketErrors))
	if err != nil || len(known) != 2 {
		t.Fatalf("%d errors, %v", len(known), err)
	}
	mine := book(t).WithErrors(known)
	aboveCap := encode(t, "AboveCap(address,uint256)", usdc, "500")
	for _, tt := range []struct {
		name string
		book *calldata.Book
		data []byte
		want string
	}{
		{"of a configured ABI, with labels", mine, aboveCap, "reverted with AboveCap(asset: "},
		{"its value", mine, aboveCap, "cap: 500"},
		{"of OpenZeppelin, without any configuration", nil, encode(t, "EnforcedPause()"), "reverted with EnforcedPause()"},
		{"with an argument", book(t), encode(t, "OwnableUnauthorizedAccount(address)", usdc), "reverted with OwnableUnauthorizedAccount(account: "},
		{"cut short", mine, aboveCap[:40], "reverted with a malformed AboveCap(address,uint256)"},
		{"that nobody knows", nil, aboveCap, safe.Explain(aboveCap)},
		{"a text", mine, encode(t, "Error(string)", "paused already"), "paused already"},
		{"a Safe's code", mine, encode(t, "Error(string)", "GS013"), "GS013"},
		{"nothing", mine, nil, "reverted without a reason"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.book.Explain(tt.data); !strings.Contains(got, tt.want) {
				t.Errorf("%q does not say %q", got, tt.want)
			}
		})
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(hexutil.MustDecode("0x08c379a0"))
	f.Add(hexutil.MustDecode("0xd93c0665"))
	f.Add(append(hexutil.MustDecode("0x118cdaa7"), make([]byte, 32)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b *calldata.Book
		if text := b.Explain(data); text == "" || len(text) > 4000 || strings.ContainsAny(text, "\n\x00") {
			t.Errorf("%x explained as %q", data, text)
		}
	})
}

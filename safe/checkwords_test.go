package safe_test

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"belay/safe"
)

func TestCheckWordsOfKnownHashes(t *testing.T) {
	for hash, want := range map[string]string{
		"0x0000000000000000000000000000000000000000000000000000000000000000": "baba baba baba baba baba baba baba baba",
		"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": "zuze zuze zuze zuze zuze zuze zuze zuze",
		"0x0020040080100200400801" + strings.Repeat("ff", 21):                "babe babe babe babe babe babe babe babe",
		"0x8000000000000000000000" + strings.Repeat("00", 21):                "maba baba baba baba baba baba baba baba",
	} {
		if got := safe.CheckWords(common.HexToHash(hash)); got != want {
			t.Errorf("%s gives %q, want %q", hash, got, want)
		}
	}
}

// TestCheckWordsHoldEveryOneOf88Bits flips each bit: the words change for the first 88 and for no other.
func TestCheckWordsHoldEveryOneOf88Bits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := common.BytesToHash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		bit := rapid.IntRange(0, 255).Draw(t, "bit")
		other := hash
		other[bit/8] ^= 1 << (7 - bit%8)
		if same := safe.CheckWords(hash) == safe.CheckWords(other); same != (bit >= 88) {
			t.Fatalf("bit %d: the same words %t", bit, same)
		}
		for word := range strings.FieldsSeq(safe.CheckWords(hash)) {
			if len(word) != 4 {
				t.Fatalf("%q has not four letters", word)
			}
		}
	})
}

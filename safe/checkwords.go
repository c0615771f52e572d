package safe

import (
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// Letters of check words. Each is told from the others over a bad line, and none is silent in any of the larger languages.
const (
	checkConsonants = "bdfghjklmnprstvz" // 4 bits
	checkVowels     = "aiou"             // 2 bits
	checkEndings    = "ae"               // 1 bit
)

const (
	checkWords    = 8
	checkWordBits = 11
)

// CheckWords are the first 88 bits of a hash as eight words of four letters, to be read aloud and compared by two people who look
// at two screens: "bada fuze …". Finding another transaction with the same words takes 2^88 attempts, which is out of reach for
// everyone. They replace no comparison on a device that shows the hash itself.
//
// A word is 11 bits: consonant (4), vowel (2), consonant (4), ending (1).
func CheckWords(hash common.Hash) string {
	var words [checkWords]string
	for i := range words {
		n := bitsAt(hash, i*checkWordBits)
		words[i] = string([]byte{checkConsonants[n>>7], checkVowels[n>>5&3], checkConsonants[n>>1&15], checkEndings[n&1]})
	}
	return strings.Join(words[:], " ")
}

// bitsAt reads the 11 bits that begin at bit first, counted from the most significant one.
func bitsAt(hash common.Hash, first int) (n uint) {
	for bit := first; bit < first+checkWordBits; bit++ {
		n = n<<1 | uint(hash[bit/8]>>(7-bit%8)&1)
	}
	return n
}

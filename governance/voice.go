package governance

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// How much people can say about one proposal. All of it travels in every commit, and a commit has its limit: whatever people say, owners
// must be able to sign.
const (
	textLimit   = 1_000 // bytes of one text, as it is stored
	voicesLimit = 100   // members and wallets; owners are never too many
	wordsLimit  = 20    // of one voice
)

// firstBytes cuts a text, between two characters.
func firstBytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

// mayBeHeard refuses what would bury a proposal in words.
func (d *decider) mayBeHeard(said []Opinion, o Opinion) error {
	if stored, err := json.Marshal(o.Text); err != nil || len(stored) > textLimit {
		return Refuse(CodeBadValue, "say it in a sentence or two", "the text is too long")
	}
	for _, before := range said {
		if !before.sameVoice(o) {
			continue
		}
		if before.Said+1 >= wordsLimit {
			return Refuse(CodeNotPermitted, "sign or object on the signing page, or talk in the thread", "%s has said enough about %s: %d times", o.speaker(), d.p.ID, wordsLimit)
		}
		return nil
	}
	owner := o.Wallet != (common.Address{}) && slices.Contains(d.p.Owners, o.Wallet)
	if len(said) >= voicesLimit && !owner {
		return Refuse(CodeNotPermitted, "talk in the thread", "%d have said something about %s already", voicesLimit, d.p.ID)
	}
	return nil
}

package coordinator

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// linkLife is how long a link challenge may be answered.
const linkLife = 10 * time.Minute

// challenges are links begun and not finished. They live in memory alone, under the hash of their token: after a restart people
// begin again.
type challenges struct {
	mu   sync.Mutex
	open map[[32]byte]challenge
}

type challenge struct {
	actor   Actor
	nonce   common.Hash
	expires time.Time
}

func newChallenges() *challenges { return &challenges{open: map[[32]byte]challenge{}} }

// BeginLink starts binding a chat account to a member's wallet. The token travels in the address's fragment, so that it
// is in no server's log; the phrase is shown in chat and on the page, so that people see that both are the same.
func (c *Coordinator) BeginLink(_ context.Context, a Actor) (address, phrase string, err error) {
	var random [64]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", "", fmt.Errorf("make a link token: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(random[:32])
	ch := challenge{actor: a, nonce: common.Hash(random[32:]), expires: time.Now().Add(linkLife)}
	c.links.begin(token, ch, time.Now())
	return c.cfg.PublicURL + "/link#" + token, phraseOf(ch.nonce), nil
}

func (l *challenges) begin(token string, ch challenge, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, old := range l.open {
		if now.After(old.expires) || old.actor.Account() == ch.actor.Account() {
			delete(l.open, id)
		}
	}
	l.open[sha256.Sum256([]byte(token))] = ch
}

// find looks a token up; spend takes it, so that it works once.
func (l *challenges) find(token string, now time.Time, spend bool) (challenge, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := sha256.Sum256([]byte(token))
	ch, ok := l.open[id]
	if !ok || now.After(ch.expires) {
		return challenge{}, false
	}
	if spend {
		delete(l.open, id)
	}
	return ch, true
}

var errLinkOver = governance.Refuse(governance.CodeNotFound, "begin again with `/belay link` in chat", "this link was used, or is older than ten minutes")

// LinkData is what the wallet signs. Asking spends nothing.
func (c *Coordinator) LinkData(_ context.Context, token string, wallet common.Address) (TypedData, error) {
	ch, ok := c.links.find(token, time.Now(), false)
	if !ok {
		return nil, errLinkOver
	}
	return marshal(c.linkTyped(ch, wallet))
}

// Link spends the token: the wallet proved itself, and it must be one that the configuration gives to a member.
func (c *Coordinator) Link(ctx context.Context, token string, wallet common.Address, signature []byte) (Member, error) {
	ch, ok := c.links.find(token, time.Now(), false)
	if !ok {
		return Member{}, errLinkOver
	}
	typed := c.linkTyped(ch, wallet)
	digest, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		return Member{}, fmt.Errorf("hash the link: %w", err)
	}
	if _, err := safe.Confirm(common.BytesToHash(digest), signature, []common.Address{wallet}); err != nil {
		return Member{}, governance.Refuse(governance.CodeMalformedSignature, "sign with the wallet that is connected", "the signature is not the wallet's: %v", err)
	}
	name, known := c.people.byWallet[wallet]
	if !known {
		return Member{}, governance.Refuse(governance.CodeNotPermitted, "ask an operator to add the wallet to `members`", "the wallet %s belongs to nobody that this Belay knows", wallet.Hex())
	}
	if _, ok := c.links.find(token, time.Now(), true); !ok {
		return Member{}, errLinkOver
	}
	link := governance.Link{Account: ch.actor.Account(), Member: name, Wallet: wallet, At: time.Now().UTC()}
	if _, err := c.commit(ctx, governance.Record{Links: []governance.Link{link}}); err != nil {
		return Member{}, recorded(err)
	}
	return c.people.byName[name], nil
}

// Unlink takes an account's link away. What the configuration says of the account stays.
func (c *Coordinator) Unlink(ctx context.Context, a Actor) error {
	_, err := c.commit(ctx, governance.Record{Unlink: []string{a.Account()}})
	return err
}

// linkTyped is the statement that a wallet signs: who, where, until when, for which site.
func (c *Coordinator) linkTyped(ch challenge, wallet common.Address) apitypes.TypedData {
	return apitypes.TypedData{
		Types: apitypes.Types{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}},
			"Link": {{Name: "statement", Type: "string"}, {Name: "platform", Type: "string"}, {Name: "space", Type: "string"}, {Name: "account", Type: "string"},
				{Name: "wallet", Type: "address"}, {Name: "site", Type: "string"}, {Name: "nonce", Type: "bytes32"}, {Name: "expires", Type: "uint256"}},
		},
		PrimaryType: "Link",
		Domain:      apitypes.TypedDataDomain{Name: "Belay", Version: "1"},
		Message: apitypes.TypedDataMessage{
			"statement": "This only says that the chat account and the wallet are the same person. It moves nothing and approves nothing. Phrase: " + phraseOf(ch.nonce),
			"platform":  ch.actor.Platform, "space": ch.actor.Space, "account": ch.actor.User, "wallet": wallet.Hex(), "site": c.cfg.PublicURL,
			"nonce": ch.nonce.Hex(), "expires": (*math.HexOrDecimal256)(big.NewInt(ch.expires.Unix())),
		},
	}
}

// phraseWords are short, distinct words: 32 of them, five bits each.
var phraseWords = strings.Fields("amber anchor apple autumn basket bridge candle canyon cedar copper desert ember falcon forest garden harbor island " +
	"jungle kettle lantern marble meadow needle ocean pepper pocket rocket saddle silver timber violet walnut")

// phraseOf gives four words for a nonce, to compare by eye.
func phraseOf(nonce common.Hash) string {
	words := make([]string, 4)
	for i := range words {
		words[i] = phraseWords[int(nonce[i])%len(phraseWords)]
	}
	return strings.Join(words, " ")
}

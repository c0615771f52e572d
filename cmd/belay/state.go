package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/spf13/cobra"
)

// words are the commands that say something about a proposal with a wallet. In chat the same words are notes.
var words = []struct {
	action           governance.Action
	use, short, more string
	text             string // of the example
}{
	{governance.ActionObject, "object PROPOSAL|LINK", "objects with a wallet: holds back what is no emergency, and enough owners end any proposal", "", "the oracle is right"},
	{governance.ActionLift, "lift PROPOSAL|LINK", "takes an objection made with a wallet back", "Only the wallet that objected lifts its objection.", "I misread the feed"},
	{governance.ActionApprove, "approve PROPOSAL|LINK", "approves, in a role that the playbook waits for, that owners are asked", "", "within the limits of the risk report"},
	{governance.ActionWithdraw, "withdraw PROPOSAL|LINK", "takes a proposal down with its proposer's or an owner's wallet",
		"An emergency that no owner has signed takes two wallets of different people. One that owners have signed is not withdrawn: it ends when enough owners object.", "proposed by mistake"},
}

// statements makes one command of each word.
func (p *program) statements() (commands []*cobra.Command) {
	for _, word := range words {
		w, text, yes := &walletFlags{}, "", false
		c := &cobra.Command{Use: word.use, Short: word.short, Args: cobra.ExactArgs(1),
			Long:    "Says with a wallet what would be a mere note in chat; it moves nothing on any chain. " + strings.TrimSpace(sentenced(word.short)+". "+word.more),
			Example: fmt.Sprintf("  belay %s P-12 --text %q --keystore alice.json", word.action, word.text)}
		w.register(c.Flags())
		c.Flags().StringVar(&text, "text", "", "what others should know")
		c.Flags().BoolVar(&yes, "yes", false, "do not ask")
		c.RunE = func(cmd *cobra.Command, args []string) error {
			r, id, err := p.whereabouts(cmd, args[0])
			if err != nil {
				return err
			}
			s := speaking{sitting{program: p, remote: r, answers: bufio.NewReader(p.in), yes: yes}}
			if s.wallet, err = w.open(cmd.Context(), s.ask); err != nil {
				return usage(err)
			}
			return s.say(id, word.action, text)
		}
		commands = append(commands, c)
	}
	return commands
}

func sentenced(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// speaking is one person with a wallet who says something.
type speaking struct{ sitting }

// say signs a statement about a proposal and hands it in.
func (s *speaking) say(id string, action governance.Action, text string) error {
	path := "/api/v1/proposals/" + url.PathEscape(id)
	var v governance.View
	if err := s.remote.get(path, &v); err != nil {
		return err
	}
	var offered safe.TypedDocument
	if err := s.remote.post(path+"/statements/typed-data", map[string]any{"action": action, "text": text}, &offered); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(s.err, proposalText(v))
	topic := offered.Message["topic"]
	if strings.HasPrefix(v.ID, "P-") && topic != v.ID {
		return fmt.Errorf("the server shows %s and asks to sign about %s: sign nothing, and tell your team by another way", v.ID, safe.Printable(topic, 40))
	}
	meant := governance.Statement{Action: action, Topic: topic, Subject: common.HexToHash(offered.Message["subject"]), Text: text}
	at, signature, err := s.sign(offered, meant)
	if err != nil {
		return err
	}
	var after governance.View
	if err := s.remote.post(path+"/statements", map[string]any{"action": action, "text": text, "at": at, "signature": signature}, &after); err != nil {
		return err
	}
	return s.print(after, fmt.Sprintf("Said with %s. %s: %s", s.wallet.address().Hex(), after.ID, clean(after.Status)))
}

// sign signs a statement, and nothing else, whatever the server offers: only the site and the time are taken from it, what it says is
// put together and hashed here.
func (s *speaking) sign(offered safe.TypedDocument, meant governance.Statement) (at int64, signature string, err error) {
	m := offered.Message
	if at, err = strconv.ParseInt(m["at"], 10, 64); err != nil {
		return 0, "", errors.New("the server offers no statement to sign: tell your team by another way")
	}
	meant.Site, meant.At = m["site"], time.Unix(at, 0)
	document := meant.TypedData()
	for name, value := range document.Message {
		_, _ = fmt.Fprintf(s.err, "%-10s %s\n", name, safe.Printable(value, 600))
	}
	if err := s.agreed(); err != nil {
		return 0, "", err
	}
	raw, err := s.wallet.sign(document, meant.Hash())
	if err != nil {
		return 0, "", fmt.Errorf("sign: %w", err)
	}
	if _, err := safe.ConfirmAs(s.wallet.address(), meant.Hash(), raw, []common.Address{s.wallet.address()}); err != nil {
		return 0, "", fmt.Errorf("the signer returned something else than a signature over this statement: %w", err)
	}
	return at, hexutil.Encode(raw), nil
}

func (s *speaking) agreed() error {
	if s.yes {
		return nil
	}
	answer, err := s.ask("\nTo sign this as " + s.wallet.address().Hex() + ", type yes; anything else stops: ")
	if err != nil {
		return err
	}
	if !strings.EqualFold(answer, "yes") {
		return errors.New("not signed")
	}
	return nil
}

// propose signs an intent and hands it in: for a member when chat is down and the operator asleep.
func (s *speaking) propose(playbook, reason string, params map[string]string) error {
	intent := map[string]any{"playbook": playbook, "params": params, "reason": reason}
	var offered safe.TypedDocument
	if err := s.remote.post("/api/v1/intents/typed-data", intent, &offered); err != nil {
		return err
	}
	listed, err := json.Marshal(params)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.err, "%s %s\n", playbook, listed)
	meant := governance.Statement{Action: governance.ActionPropose, Topic: playbook, Subject: coordinator.IntentSubject(params, false), Text: reason}
	at, signature, err := s.sign(offered, meant)
	if err != nil {
		return err
	}
	intent["at"], intent["signature"] = at, signature
	var v governance.View
	if err := s.remote.post("/api/v1/proposals", intent, &v); err != nil {
		return err
	}
	return s.print(v, proposalText(v))
}

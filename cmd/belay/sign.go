package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/spf13/cobra"
)

// sign is the signing page in a terminal. Whatever the server says of hashes is computed again from the fields, and only what
// was computed here is signed.
func (p *program) sign() *cobra.Command {
	w := walletFlags{}
	yes := false
	c := &cobra.Command{Use: "sign PROPOSAL|LINK", Short: "shows what a proposal asks an owner to sign, signs it with a keystore or an external signer, and hands it in", Args: cobra.ExactArgs(1),
		Long: "Shows what a proposal asks an owner to sign, computes every hash on this machine, signs with a keystore, a key file or an external signer (Ledger or Trezor\n" +
			"through clef), and hands the signature in. LINK is the address behind Review & sign on a card; with a mere id the running program of --config is asked."}
	w.register(c.Flags())
	c.Flags().BoolVar(&yes, "yes", false, "do not ask for check words: for drills alone")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		r, id, err := p.whereabouts(cmd, args[0])
		if err != nil {
			return err
		}
		var v governance.View
		if err := r.get("/api/v1/proposals/"+url.PathEscape(id), &v); err != nil {
			return err
		}
		s := sitting{program: p, remote: r, id: id, view: v, yes: yes, answers: bufio.NewReader(p.in)}
		if s.wallet, err = w.open(cmd.Context(), s.ask); err != nil {
			return usage(err)
		}
		return s.run()
	}
	return c
}

// whereabouts finds the server: that of a link, or the running program of the configuration.
func (p *program) whereabouts(cmd *cobra.Command, given string) (r remote, id string, err error) {
	u, err := url.Parse(given)
	if err != nil || u.Host == "" {
		cfg, err := p.load()
		if err != nil {
			return r, "", err
		}
		return newRemote(cmd.Context(), cfg), given, nil
	}
	parts := strings.Split(strings.Trim(path.Clean(u.Path), "/"), "/")
	at := slices.Index(parts, "p")
	if at < 0 || at+1 >= len(parts) {
		return r, "", usagef("%q is no link to a proposal: it has to be like https://belay.example.org/p/…/sign?key=…", given)
	}
	return remote{ctx: cmd.Context(), base: u.Scheme + "://" + u.Host, key: u.Query().Get("key")}, parts[at+1], nil
}

// sitting is one owner before one proposal.
type sitting struct {
	*program
	remote  remote
	id      string // as it was given
	view    governance.View
	wallet  signer
	yes     bool
	answers *bufio.Reader
}

// asked is one transaction that this owner can sign, as this machine computes it.
type asked struct {
	purpose governance.Purpose
	domain  safe.Domain
	tx      safe.Tx
	hashes  safe.Hashes
}

func (s *sitting) run() error {
	me := s.wallet.address()
	if !slices.ContainsFunc(s.view.Owners, func(o string) bool { return common.HexToAddress(o) == me }) {
		return fmt.Errorf("%s is not an owner of %s (%s)", me.Hex(), s.view.Safe.Name, s.view.Safe.Address)
	}
	open, err := s.open(me)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return fmt.Errorf("there is nothing for %s to sign: %s", me.Hex(), clean(s.view.Status))
	}
	for i, a := range open {
		s.show(a, i == 0)
		if err := s.agreed(a); err != nil {
			return err
		}
		if err := s.hand(a); err != nil {
			return err
		}
	}
	return nil
}

// open gives the transactions that wait for this owner, the active one first. One whose hash is not that of its fields ends it all.
func (s *sitting) open(me common.Address) (list []asked, err error) {
	for _, t := range s.view.SafeTxs {
		waits := t.State == governance.TxAsking || t.State == governance.TxApproved
		signed := slices.ContainsFunc(t.Confirmations, func(c governance.ConfirmationView) bool { return common.HexToAddress(c.Owner) == me })
		if !waits || signed || s.view.State.Ended() {
			continue
		}
		a := asked{purpose: t.Purpose}
		if a.domain, a.tx, err = s.parse(t); err != nil {
			return nil, fmt.Errorf("read the transaction at nonce %d: %w", t.Nonce, err)
		}
		if a.hashes = safe.Hash(a.domain, a.tx); a.hashes.SafeTx != common.HexToHash(t.SafeTxHash) {
			return nil, fmt.Errorf("THE HASH IS NOT THAT OF THE FIELDS: this machine computes %s, the server says %s. Sign nothing, and tell your team by another way", a.hashes.SafeTx, t.SafeTxHash)
		}
		list = append(list, a)
	}
	slices.SortStableFunc(list, func(a, b asked) int { return s.rank(a) - s.rank(b) })
	return list, nil
}

func (s *sitting) rank(a asked) int {
	if a.hashes.SafeTx == common.HexToHash(s.view.SafeTxHash) {
		return 0
	}
	return 1
}

func (s *sitting) parse(t governance.SafeTxView) (safe.Domain, safe.Tx, error) {
	fields, err := json.Marshal(t.SafeTx)
	if err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	in := plainInput()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(fields, &members); err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	if err := in.take(members); err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	in.ChainID, in.Safe, in.SafeVersion = jsonText(fmt.Sprint(s.view.Safe.ChainID)), jsonText(s.view.Safe.Address), jsonText(s.view.Safe.Version)
	return in.parse()
}

// show prints what the server says, once, and then what this machine makes of the bytes.
func (s *sitting) show(a asked, first bool) {
	say := func(text string) { _, _ = fmt.Fprintln(s.err, text) }
	if first {
		say(proposalText(s.view))
	}
	book := s.book()
	say("\nComputed on this machine from the bytes, at nonce " + fmt.Sprint(a.tx.Nonce) + " (" + string(a.purpose) + "):\n")
	say(newDecoded(book.DescribeTx(a.tx), book.Dangers(a.domain, a.tx)).terminal())
	say("\n" + safe.PlainText(networkName(a.domain.ChainID), a.domain, a.tx) + "Check words: " + safe.CheckWords(a.hashes.SafeTx))
}

// book knows the functions that the server names; a name that is not the bytes' own does not fit their selector.
func (s *sitting) book() *calldata.Book {
	var named []calldata.Function
	for _, c := range s.view.Calls {
		if f, err := calldata.ParseFunction(c.Function); err == nil {
			named = append(named, f)
		}
	}
	if book, err := calldata.NewBook(named, nil); err == nil {
		return book
	}
	return nil
}

// agreed asks for two check words: whoever types them has looked.
func (s *sitting) agreed(a asked) error {
	if s.yes {
		return nil
	}
	words := strings.Fields(safe.CheckWords(a.hashes.SafeTx))[:2]
	answer, err := s.ask("\nTo sign as " + s.wallet.address().Hex() + ", type the first two check words; anything else stops: ")
	if err != nil {
		return err
	}
	if !slices.Equal(strings.Fields(strings.ToLower(answer)), words) {
		return errors.New("not signed: these are not the first two check words")
	}
	return nil
}

// ask prompts on standard error and reads a line.
func (s *sitting) ask(prompt string) (string, error) {
	_, _ = fmt.Fprint(s.err, prompt)
	line, err := s.answers.ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("read an answer: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// hand signs and hands in.
func (s *sitting) hand(a asked) error {
	raw, err := s.wallet.sign(safe.TypedData(a.domain, a.tx), a.hashes.SafeTx)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if _, err := safe.ConfirmAs(s.wallet.address(), a.hashes.SafeTx, raw, []common.Address{s.wallet.address()}); err != nil {
		return fmt.Errorf("the signer returned something else than a signature over safeTxHash %s: %w", a.hashes.SafeTx, err)
	}
	var after governance.View
	body := map[string]any{"signature": hexutil.Encode(raw), "safe_tx_hash": a.hashes.SafeTx.Hex(), "owner": s.wallet.address().Hex()}
	if err := s.remote.post("/api/v1/proposals/"+url.PathEscape(s.id)+"/signatures", body, &after); err != nil {
		return err
	}
	s.view = after
	return s.print(after, fmt.Sprintf("Signed at nonce %d. %s: %s", a.tx.Nonce, after.ID, clean(after.Status)))
}

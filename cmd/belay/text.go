package main

import (
	"fmt"
	"strings"

	"belay/bot"
	"belay/governance"
	"belay/safe"
)

// proposalText lays a View out for a terminal. It shows what a card shows, every hash and address in full.
func proposalText(v governance.View) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s  %s  %s", v.ID, strings.ToUpper(string(v.State)), v.Headline())
	line("%s", v.Status)
	if who := bot.Missing(v); who != "" && !v.State.Ended() && v.ID != "" && len(v.Unapproved) == 0 {
		line("Next: %s: review and sign", who)
	}
	if v.State == governance.StateProposed && v.ExpiresAt != "" {
		line("Asks until %s", v.ExpiresAt)
	}
	for _, n := range v.Notes {
		line("! %s", n)
	}
	for _, d := range v.Dangers {
		line("DANGER %s: %s", d.Code, d.Text)
	}
	line("")
	line("Safe     %s %s on %s (chain %d), version %s, %s", v.Safe.Name, v.Safe.Address, v.Safe.Chain, v.Safe.ChainID, v.Safe.Version, verifiedWords(v.Safe.VerifiedBy))
	for i, c := range v.Calls {
		line("Call %d   %s", i+1, clean(c.Text.Raw()))
	}
	if s := v.Simulation; s != nil {
		line("Simulated at block %d by %s: %s", s.Block, s.Provider, simulated(s))
		for _, c := range s.Changes {
			line("         %s: %s → %s", clean(c.What), clean(c.Before), clean(c.After))
		}
		for _, e := range s.Effects {
			line("         %s", clean(e.Raw()))
		}
		if s.OK && !s.Traced {
			line("         No provider told what else changes in storage, balances and code.")
		}
	}
	line("")
	if m := v.Manifest; m != nil {
		line("Configured   %s, %s", m.Hash, clean(m.Vouchers()))
	}
	line("Nonce        %d", v.Nonce)
	line("Domain hash  %s", v.DomainHash)
	line("Message hash %s", v.MessageHash)
	line("safeTxHash   %s", v.SafeTxHash)
	line("Check words  %s", v.CheckWords)
	signers(&b, v)
	spares(&b, v)
	if t := v.Timelock; t != nil {
		line("Timelock     %s %s: %s%s", t.Name, t.Address, t.State, windowText(t))
	}
	for _, t := range v.Transactions {
		line("Transaction  %s %s %s", t.Role, t.TxHash, statusText(t))
	}
	line("")
	for _, e := range v.Events {
		line("%s  %-13s %s  %s", e.At, e.Type, e.By, clean(e.Text.Raw()))
	}
	line("\nOpen %s", v.Links.Sign)
	if !v.IsPublic {
		line("For signers only: whoever has this link can read the proposal.")
	}
	return strings.TrimRight(b.String(), "\n")
}

// verifiedWords say how the Safe's code was recognised.
func verifiedWords(by string) string {
	switch by {
	case string(safe.VerifiedByAddress):
		return "a published Safe contract, by address and code"
	case string(safe.VerifiedByCode):
		return "published Safe code at another address"
	case governance.VerifiedUnread:
		return "by one provider's word: its code was not looked at"
	}
	return "NOT a published release: only its own word says so"
}

// signers lists who has signed the transaction at hand and, while signatures are asked for, who has not.
func signers(b *strings.Builder, v governance.View) {
	fmt.Fprintf(b, "Signed       %d of %d\n", len(v.Confirmations), v.Threshold)
	signed := map[string]bool{}
	for _, c := range v.Confirmations {
		signed[c.Owner] = true
		fmt.Fprintf(b, "         %s %s (%s, %s)\n", c.Owner, c.Member, c.Kind, c.At)
	}
	if v.State.Ended() || len(v.Confirmations) >= v.Threshold {
		return
	}
	for _, owner := range v.Owners {
		if !signed[owner] {
			fmt.Fprintf(b, "         %s %s\n", owner, strings.TrimSpace(v.OwnerNames[owner]+" has not signed"))
		}
	}
}

// spares shows the same pause at further nonces: whoever signs them compares their hashes, too.
func spares(b *strings.Builder, v governance.View) {
	for _, t := range v.SafeTxs {
		if t.Purpose != governance.PurposeSpare || t.SafeTxHash == v.SafeTxHash {
			continue
		}
		fmt.Fprintf(b, "Spare        nonce %d, %s, signed %d of %d\n", t.Nonce, t.State, len(t.Confirmations), v.Threshold)
		fmt.Fprintf(b, "         message hash %s\n         safeTxHash   %s\n         check words  %s\n", t.MessageHash, t.SafeTxHash, t.CheckWords)
		for _, c := range t.Confirmations {
			fmt.Fprintf(b, "         %s %s (%s, %s)\n", c.Owner, c.Member, c.Kind, c.At)
		}
	}
}

// windowText says when a timelock's window is, where that is known.
func windowText(t *governance.TimelockView) (text string) {
	if t.OpensAt != nil {
		text = ", opens " + *t.OpensAt
	}
	if t.ClosesAt != nil {
		text += ", closes " + *t.ClosesAt
	}
	return text
}

func statusText(t governance.TransactionView) string {
	text := string(t.Status)
	if t.Block > 0 {
		text += fmt.Sprintf(" in block %d", t.Block)
	}
	if t.Failed {
		text += ", FAILED: without effect, and the nonce is gone"
	}
	return text
}

func simulated(s *governance.SimulationView) string {
	if s.OK {
		return "it works"
	}
	return "REVERTS: " + clean(s.Error.Raw())
}

// clean keeps a terminal from obeying what people or the chain wrote: every control and format character is replaced.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r >= 0x21 && r <= 0x7e || r >= 0xa1 && !strings.ContainsRune("\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff", r) {
			return r
		}
		return '·'
	}, text)
}

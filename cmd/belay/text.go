package main

import (
	"fmt"
	"strings"

	"belay/governance"
)

// proposalText lays a View out for a terminal. It shows what a card shows, every hash and address in full.
func proposalText(v governance.View) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s  %s  %s", v.ID, strings.ToUpper(string(v.State)), v.Headline())
	line("%s", v.Status)
	for _, n := range v.Notes {
		line("! %s", n)
	}
	for _, d := range v.Dangers {
		line("DANGER %s: %s", d.Code, d.Text)
	}
	line("")
	line("Safe     %s %s on %s (chain %d), version %s, %s", v.Safe.Name, v.Safe.Address, v.Safe.Chain, v.Safe.ChainID, v.Safe.Version, v.Safe.VerifiedBy)
	for i, c := range v.Calls {
		line("Call %d   %s", i+1, clean(c.Text.Raw()))
	}
	if s := v.Simulation; s != nil {
		line("Simulated at block %d by %s: %s", s.Block, s.Provider, simulated(s))
		for _, c := range s.Changes {
			line("         %s: %s → %s", c.What, c.Before, c.After)
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
	line("Signed       %d of %d", len(v.Confirmations), v.Threshold)
	for _, c := range v.Confirmations {
		line("         %s %s (%s, %s)", c.Owner, c.Member, c.Kind, c.At)
	}
	if t := v.Timelock; t != nil {
		line("Timelock     %s %s: %s", t.Name, t.Address, t.State)
	}
	for _, t := range v.Transactions {
		line("Transaction  %s %s %s", t.Role, t.TxHash, t.Status)
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

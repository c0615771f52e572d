package coordinator

import (
	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// crowd counts what the same chat account has open already and no owner has signed, of emergencies or of everything else. Who signs
// an intent with a wallet, or proposes with the operator's token, is no crowd.
func crowd(in Intent, kind governance.Kind, open []governance.Proposal) (n int) {
	if in.Via != governance.ViaDiscord && in.Via != governance.ViaSlack || in.Wallet != (common.Address{}) {
		return 0
	}
	for _, o := range open {
		if o.Proposer == in.Member && o.Kind.Emergency() == kind.Emergency() && o.Wallet == (common.Address{}) && !o.Backed() {
			n++
		}
	}
	return n
}

// uncrowded refuses one proposal more of a member who has enough open. An emergency is never refused: its card is shown small until
// an owner signs it.
func uncrowded(in Intent, kind governance.Kind, open []governance.Proposal) error {
	if n := crowd(in, kind, open); n >= governance.Crowded && !kind.Emergency() {
		return governance.Refuse(governance.CodeNotPermitted, "withdraw one of them, let owners sign them, or propose with your wallet (`belay propose --help`)",
			"%s has %d proposals open that no owner has signed", in.Member, n)
	}
	return nil
}

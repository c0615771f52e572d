package coordinator

import (
	"math"
	"slices"
	"time"

	"belay/governance"
)

// parted splits proposals into those that owners stand behind, or did, and those that cost nobody more than a word in chat.
func parted(all []governance.Proposal) (signed, unsigned []governance.Proposal) {
	for _, p := range all {
		if stoodBehind(p) {
			signed = append(signed, p)
		} else {
			unsigned = append(unsigned, p)
		}
	}
	return signed, unsigned
}

// stoodBehind reports whether a wallet or the chain ever spoke for a proposal. It asks for less than Backed: a signature whose nonce is
// gone can get it back.
func stoodBehind(p governance.Proposal) bool {
	return p.State != governance.StateProposed || len(p.Transactions) > 0 || p.Signed()
}

// turns gives the order in which proposals are come to at a new head: first those that were not come to at the last, so that each
// has its turn however many there are.
func turns(left []string, all []governance.Proposal) []string {
	order := idsOf(named(all, left))
	for _, p := range all {
		if !slices.Contains(left, p.ID) {
			order = append(order, p.ID)
		}
	}
	return order
}

// named finds proposals by their ids, in the order of the ids. Those that are not watched any more are left out.
func named(all []governance.Proposal, ids []string) []governance.Proposal {
	byID := make(map[string]governance.Proposal, len(all))
	for _, p := range all {
		byID[p.ID] = p
	}
	var found []governance.Proposal
	for _, id := range ids {
		if p, ok := byID[id]; ok {
			found = append(found, p)
		}
	}
	return found
}

func idsOf(all []governance.Proposal) []string {
	var ids []string
	for _, p := range all {
		ids = append(ids, p.ID)
	}
	return ids
}

// untilDone is the patience with work that is always done to its end.
const untilDone = time.Duration(math.MaxInt64)

package chain

import (
	"encoding/json"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"belay/safe"
)

// wireBloom is what a header tells about the logs of its block. Some chains leave blooms at zero whatever their blocks hold, so that such a
// one counts only where the block has no transaction.
type wireBloom struct {
	Bits         json.RawMessage `json:"logsBloom"`
	Transactions json.RawMessage `json:"transactions"`
}

// usable is nil where the header tells nothing.
func (w wireBloom) usable() *types.Bloom {
	var bits types.Bloom
	if w.Bits == nil || json.Unmarshal(w.Bits, &bits) != nil || bits == (types.Bloom{}) && string(w.Transactions) != "[]" {
		return nil
	}
	return &bits
}

// united is what several providers tell of one block: a log that any of them has room for may be there. It is nil where one tells nothing.
func united(of []answer[sighting]) *types.Bloom {
	var all types.Bloom
	for _, a := range of {
		if a.value.bloom == nil {
			return nil
		}
		for i, b := range a.value.bloom {
			all[i] |= b
		}
	}
	return &all
}

// quiet reports whether a block holds no log that any of the filters lets through, as far as its bloom tells: it never overlooks one.
func (h header) quiet(filters []safe.Filter) bool {
	return h.bloom != nil && !slices.ContainsFunc(filters, func(f safe.Filter) bool {
		if !h.bloom.Test(f.Address[:]) {
			return false
		}
		for _, wanted := range f.Topics {
			if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(t common.Hash) bool { return h.bloom.Test(t[:]) }) {
				return false
			}
		}
		return true
	})
}

package governance

import (
	"fmt"
	"slices"
	"strings"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Setup is what besides its owners decides what a Safe does: who can act through it without them, and who can stop them.
type Setup struct {
	Modules         []common.Address `json:"modules"`
	Guard           common.Address   `json:"guard"`
	ModuleGuard     common.Address   `json:"module_guard"`
	FallbackHandler common.Address   `json:"fallback_handler"`
}

// SetupOf takes the setup out of a whole reading of a Safe; its modules are put in order, which means nothing on chain.
func SetupOf(s safe.State) *Setup {
	modules := slices.Clone(s.Modules)
	slices.SortFunc(modules, common.Address.Cmp)
	return &Setup{Modules: modules, Guard: s.Guard, ModuleGuard: s.ModuleGuard, FallbackHandler: s.FallbackHandler}
}

// ChangesTo says in words how a later setup differs; "" where it is the same.
func (s Setup) ChangesTo(now Setup) string {
	var told []string
	for _, m := range now.Modules {
		if !slices.Contains(s.Modules, m) {
			told = append(told, fmt.Sprintf("%s became a module, which acts through the Safe without its owners", m.Hex()))
		}
	}
	for _, m := range s.Modules {
		if !slices.Contains(now.Modules, m) {
			told = append(told, fmt.Sprintf("%s is no module any more", m.Hex()))
		}
	}
	for _, one := range []struct {
		what        string
		before, now common.Address
	}{{"guard", s.Guard, now.Guard}, {"module guard", s.ModuleGuard, now.ModuleGuard}, {"fallback handler", s.FallbackHandler, now.FallbackHandler}} {
		if one.before != one.now {
			told = append(told, fmt.Sprintf("its %s is %s now, it was %s", one.what, orNone(one.now), orNone(one.before)))
		}
	}
	return strings.Join(told, "; ")
}

func orNone(a common.Address) string {
	if a == (common.Address{}) {
		return "none"
	}
	return a.Hex()
}

// DangerSafeChanged is a danger that the chain brings after a proposal was drafted: the Safe's setup is not what it was.
const DangerSafeChanged = "safe_changed"

// setupSeen takes a reading of the Safe's setup. What is told is how it differs from that of the draft, so that a change which is taken
// back leaves nothing to be told.
func (d *decider) setupSeen(in SetupSeen) error {
	if d.p.Setup == nil || !Legal(d.p.State, EventSetup) {
		return nil
	}
	words := d.p.Setup.ChangesTo(in.Setup)
	if words == d.p.SafeChanged {
		return nil
	}
	return d.emit(Event{Type: EventSetup, By: "chain", Text: words, Block: &in.Block})
}

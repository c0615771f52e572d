package coordinator

import "belay/governance"

// mayOpen refuses a new proposal that the rules of the house do not allow now, whoever asks. What is open already goes on.
func (c *Coordinator) mayOpen(w wish) error {
	if err := c.vouched(w.pb.Kind, w.pb.Name); err != nil {
		return err
	}
	return c.coolingDown(w)
}

// vouched refuses an emergency while fewer members than it takes have signed the configuration. Whoever can change the files of the
// server must not be able to plant a playbook that is called a pause and does something else, in the lane with the fewest checks; nor
// a timelock whose veto is one.
func (c *Coordinator) vouched(kind governance.Kind, what string) error {
	m := c.cfg.Manifest
	if m.Enough() || !kind.Emergency() {
		return nil
	}
	return governance.Refuse(governance.CodeNotPermitted, "look at the configuration, let members run `belay config sign`, then let the operator reload; until then the owners can act from their own wallets",
		"the configuration %s is %s, so that nobody vouches for %s", m.Manifest.Hex(), m.Count(), what)
}

package governance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Defaults and bounds of policies.
const (
	defaultPauseExpiry = 24 * time.Hour
	defaultExpiry      = 72 * time.Hour
	minExpiry          = time.Minute
	maxExpiry          = 90 * 24 * time.Hour
	maxDelay           = 30 * 24 * time.Hour // of cooldown, execute after, next update
	maxApprovals       = 5
	maxSpares          = 5 // each is one more signature in the same sitting
)

// policy fills in a policy's defaults, which follow from the kind.
func (c *compiler) policy(spec PolicySpec) Policy {
	kind := c.p.Kind
	if len(spec.Propose) == 0 {
		c.fail("policy.propose", "such as propose: [guardian]", "nobody may propose this: name the roles that may")
	}
	policy := Policy{
		Propose:    slices.Clone(spec.Propose),
		Expires:    c.duration("policy.expires", spec.Expires, defaultExpiryOf(kind), minExpiry, maxExpiry),
		Cooldown:   c.duration("policy.cooldown", spec.Cooldown, 0, 0, maxDelay),
		Visibility: c.visibility(spec.Visibility),
		Spares:     c.spares(spec.Spares),
		Execute:    c.execute(spec.Execute),
		Approve:    c.approvals(spec.Approve),
	}
	return policy
}

func defaultExpiryOf(kind Kind) time.Duration {
	if kind.Emergency() {
		return defaultPauseExpiry
	}
	return defaultExpiry
}

// defaultVisibility keeps what would warn an attacker quiet until it is done, and what raises risk in the open from the start.
var defaultVisibility = map[Kind]Visibility{
	KindPause:     VisibleAfterExecution,
	KindCancel:    VisibleAfterExecution,
	KindMigrate:   VisibleAfterExecution,
	KindUnpause:   VisiblePublic,
	KindParameter: VisiblePublic,
	KindCustom:    VisiblePrivate,
}

func (c *compiler) visibility(text string) Visibility {
	if text == "" {
		return defaultVisibility[c.p.Kind]
	}
	v := Visibility(text)
	if !slices.Contains([]Visibility{VisiblePublic, VisibleAfterExecution, VisiblePrivate}, v) {
		c.fail("policy.visibility", "public, after_execution or private", "%q is not a visibility", text)
	}
	return v
}

// spares reads how many of the next nonces an emergency is signed at besides its own.
func (c *compiler) spares(text string) int {
	otherwise := 0
	if c.p.Kind.Emergency() {
		otherwise = 1
	}
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 0 || n > maxSpares || strconv.Itoa(n) != text:
		c.fail("policy.spares", fmt.Sprintf("0 to %d", maxSpares), "%q is not a number of spares", text)
	case n > 0 && !c.p.Kind.Emergency():
		c.fail("policy.spares", "remove it", "only an emergency is signed at spare nonces")
	default:
		return n
	}
	return otherwise
}

// execute reads when a proven quorum is sent. An emergency goes at once: a withheld pause costs the protocol.
func (c *compiler) execute(text string) Execute {
	var e Execute
	after, delayed := strings.CutPrefix(text, "after:")
	switch {
	case text == "", text == "at_quorum":
		return e
	case text == "manual":
		e.Manual = true
	case delayed:
		e.After = c.duration("policy.execute", strings.TrimSpace(after), 0, time.Second, maxDelay)
	default:
		c.fail("policy.execute", "at_quorum, manual or {after: 10m}", "%q says not when to execute", text)
	}
	if c.p.Kind.Emergency() {
		c.fail("policy.execute", "remove it", "an emergency is executed at quorum and nothing else")
	}
	return e
}

// approvals reads which roles agree before owners are asked. An emergency waits for nobody but its owners.
func (c *compiler) approvals(roles []string) []string {
	switch {
	case len(roles) == 0:
		return nil
	case c.p.Kind.Emergency():
		c.fail("policy.approve", "remove it", "an emergency waits for nobody but the owners")
	case len(roles) > maxApprovals:
		c.fail("policy.approve", "", "%d approvals, at most %d", len(roles), maxApprovals)
	}
	return slices.Clone(roles)
}

// publicText reads what the community is told.
func (c *compiler) publicText(spec PublicSpec) PublicText {
	return PublicText{
		What:       spec.What,
		UsersCan:   spec.UsersCan,
		NextUpdate: c.duration("public.next_update", spec.NextUpdate, 0, time.Minute, maxDelay),
	}
}

// duration reads a duration between lo and hi; an empty text gives otherwise.
func (c *compiler) duration(path, text string, otherwise, lo, hi time.Duration) time.Duration {
	if text == "" {
		return otherwise
	}
	d, err := ParseDuration(text)
	switch {
	case err != nil:
		c.fail(path, "such as 30m, 24h or 7d", "%v", err)
	case d < lo || d > hi:
		c.fail(path, "", "%s is not between %s and %s", text, lo, hi)
	default:
		return d
	}
	return otherwise
}

var durationPattern = regexp.MustCompile(`^(?:([0-9]{1,4})d)?((?:[0-9]{1,9}(?:h|m|s|ms))*)$`)

// ParseDuration reads whole days, hours, minutes, seconds and milliseconds, such as "7d", "24h" or "1h30m". A day is 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	m := durationPattern.FindStringSubmatch(text)
	if m == nil || text == "" {
		return 0, fmt.Errorf("%q is not a duration", clip(text))
	}
	var total time.Duration
	if m[2] != "" {
		rest, err := time.ParseDuration(m[2])
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration", clip(text))
		}
		total = rest
	}
	if m[1] != "" {
		days, _ := strconv.Atoi(m[1])
		total += time.Duration(days) * 24 * time.Hour
	}
	if total < 0 {
		return 0, fmt.Errorf("%q is too long", clip(text))
	}
	return total, nil
}

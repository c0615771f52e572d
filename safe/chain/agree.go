package chain

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
)

// answer is what one provider said, or why it did not.
type answer[T any] struct {
	from  *provider
	value T
	err   error
}

// askAll asks the given providers at the same time. Exactly one answer for each arrives on the channel, which never blocks
// its senders. While the caller's context lives, or after release was called, slow providers are given their full timeout:
// that is how a dead one gets known although nobody waits for it. Without release they end with the caller's context.
func askAll[T any](ctx context.Context, c *Client, of []*provider, ask func(context.Context, *provider) (T, error)) (answers <-chan answer[T], release func(), err error) {
	run, cancel := context.WithCancel(c.life)
	stop := context.AfterFunc(ctx, cancel)
	end := func() { stop(); cancel() }
	if len(of) == 0 {
		end()
	}
	ch := make(chan answer[T], len(of))
	var left atomic.Int64
	left.Store(int64(len(of)))
	for _, p := range of {
		err := c.start(func() {
			a := answer[T]{from: p}
			if a.err = p.ready(run); a.err == nil {
				a.value, a.err = ask(run, p)
			}
			ch <- a
			if left.Add(-1) == 0 {
				end()
			}
		})
		if err != nil {
			end()
			return nil, nil, err
		}
	}
	return ch, func() { stop() }, nil
}

// agreed asks every provider and returns the first value that enough of them gave. Values are the same when key says so.
// What else arrives is compared in the background, so that a liar gets noticed.
func agreed[T any](ctx context.Context, c *Client, what string, ask func(context.Context, *provider) (T, error), key func(T) string) (T, error) {
	value, _, err := agreedBy(ctx, c, what, ask, key)
	return value, err
}

// agreedBy is agreed, and names those who gave the value.
func agreedBy[T any](ctx context.Context, c *Client, what string, ask func(context.Context, *provider) (T, error), key func(T) string) (T, []*provider, error) {
	var none T
	answers, release, err := askAll(ctx, c, c.providers, ask)
	if err != nil {
		return none, nil, fmt.Errorf("%s: %w", what, err)
	}
	votes := newTally(key)
	for waiting := len(c.providers) - 1; ; waiting-- {
		select {
		case <-ctx.Done():
			return none, nil, fmt.Errorf("%s: %w", what, ctx.Err())
		case a := <-answers:
			votes.add(a)
		}
		winner, n := votes.leader()
		if n >= c.agreement {
			release()
			votes.tellDissent(c, what, winner)
			value, by := votes.cast[winner][0].value, votes.whoSaid(winner)
			return value, by, c.start(func() { votes.awaitDissent(c, what, winner, answers, waiting) })
		}
		if n+waiting < c.agreement { // out of reach, however the rest answers
			release()
			return none, nil, fmt.Errorf("%s: %w", what, votes.disagreement(c))
		}
	}
}

// tally counts equal answers.
type tally[T any] struct {
	key    func(T) string
	cast   map[string][]answer[T]
	order  []string // keys as they first arrived
	failed failures
}

// failures are the providers that did not answer, with the reason.
type failures map[*provider]error

func (f failures) count(like func(error) bool) (n int) {
	for _, err := range f {
		if like(err) {
			n++
		}
	}
	return n
}

func newTally[T any](key func(T) string) *tally[T] {
	return &tally[T]{key: key, cast: map[string][]answer[T]{}, failed: failures{}}
}

func (t *tally[T]) add(a answer[T]) {
	if a.err != nil {
		t.failed[a.from] = a.err
		return
	}
	k := t.key(a.value)
	if t.cast[k] == nil {
		t.order = append(t.order, k)
	}
	t.cast[k] = append(t.cast[k], a)
}

// leader is the answer given most often, the earlier of two.
func (t *tally[T]) leader() (key string, n int) {
	for _, k := range t.order {
		if len(t.cast[k]) > n {
			key, n = k, len(t.cast[k])
		}
	}
	return key, n
}

func (t *tally[T]) whoSaid(key string) (of []*provider) {
	for _, a := range t.cast[key] {
		of = append(of, a.from)
	}
	return of
}

// tellDissent notes those who already answered something else.
func (t *tally[T]) tellDissent(c *Client, what, winner string) {
	for _, k := range t.order {
		for _, a := range t.cast[k] {
			if k != winner {
				c.dissent(a.from, what)
			}
		}
	}
}

// awaitDissent notes those who answer something else later.
func (t *tally[T]) awaitDissent(c *Client, what, winner string, answers <-chan answer[T], waiting int) {
	for ; waiting > 0; waiting-- {
		if a := <-answers; a.err == nil && t.key(a.value) != winner {
			c.dissent(a.from, what)
		}
	}
}

// agreementMethod stands for the method where an answer was compared, not a call made.
const agreementMethod = "agreement"

func (c *Client) dissent(p *provider, what string) {
	p.observe(agreementMethod, Disagreed, 0)
	p.rememberDissent(what)
	c.log.Warn("provider disagrees with the others", "chain", c.cfg.Name, "provider", p.name, "reading", what)
}

// disagreement tells for each provider what became of it. Those who answered are lettered by what they answered.
func (t *tally[T]) disagreement(c *Client) *NoAgreement {
	e := &NoAgreement{Needed: c.agreement, failed: t.failed}
	letters := map[*provider]string{}
	for i, k := range t.order {
		for _, a := range t.cast[k] {
			letters[a.from] = fmt.Sprintf("gave answer %c", 'A'+rune(i%26))
		}
	}
	for _, p := range c.providers {
		r := Reason{Provider: p.name, Text: "had not answered yet"}
		if text, ok := letters[p]; ok {
			r.Text = text
		} else if err := t.failed[p]; err != nil {
			r.Text = err.Error()
		}
		e.Reasons = append(e.Reasons, r)
	}
	return e
}

// NoAgreement says why no value counts. It is an [ErrNoAgreement].
type NoAgreement struct {
	Needed  int
	Reasons []Reason // one for each provider, in the order of the configuration
	failed  failures
}

// Reason is what became of one provider.
type Reason struct {
	Provider string
	Text     string
}

// Error names every provider with its reason.
func (e *NoAgreement) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%d of %d must say the same", ErrNoAgreement, e.Needed, len(e.Reasons))
	for _, r := range e.Reasons {
		fmt.Fprintf(&b, "; %s %s", r.Provider, r.Text)
	}
	b.WriteString(")")
	return b.String()
}

// Is makes errors.Is(err, ErrNoAgreement) true.
func (e *NoAgreement) Is(target error) bool { return target == ErrNoAgreement }

// digest makes a key of bytes.
func digest(parts ...[]byte) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d:", len(p))
		b.Write(p)
	}
	return b.String()
}

package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"belay/safe"
)

// telling is what one provider says of one kind of effect.
type telling[T any] struct {
	by    string
	facts []T
}

// startTraces asks everybody what the transaction changes, beside the simulation itself. The answers are waited for no longer than a
// contradiction of the first simulation would be: end cuts off who is slower.
func (c *Client) startTraces(ctx context.Context, r run) (answers <-chan answer[trace], end func(), err error) {
	ctx, end = context.WithCancel(ctx)
	answers, _, err = askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) (trace, error) { return p.trace(ctx, r) })
	if err != nil {
		end()
	}
	return answers, end, err
}

// awaitTraces takes what comes until a moment. Who let it pass lately is not waited for, and heard all the same.
func awaitTraces(ctx context.Context, c *Client, answers <-chan answer[trace], until time.Time) map[string]trace {
	traces, worth := map[string]trace{}, c.answering()
	maps.DeleteFunc(worth, func(p *provider, _ bool) bool { return !p.traces.able(time.Now()) })
	hear := func(a answer[trace]) {
		a.from.traces.works(false)
		delete(worth, a.from)
		if a.err == nil {
			traces[a.from.name] = a.value
		}
	}
	late := time.NewTimer(time.Until(until))
	defer late.Stop()
	for waiting := true; waiting && len(worth) > 0; {
		select {
		case a := <-answers:
			hear(a)
		case <-ctx.Done():
			waiting = false
		case <-late.C:
			waiting = false
			for p := range worth {
				p.traces.rest(time.Now().Add(restFailed))
			}
		}
	}
	for {
		select {
		case a := <-answers:
			hear(a)
		default:
			return traces
		}
	}
}

// effects join what those providers told for whom the transaction works. A single fact is worth telling whoever says it, and is marked where
// fewer than agreement say it. Where they differ in what is read behind the transaction, one of them saw another chain or lies: then a
// storage slot that nobody can read is told by enough of them or not at all.
func (c *Client) effects(trials []namedTrial, traces map[string]trace) *safe.Effects {
	var logs []telling[safe.Log]
	for _, t := range trials {
		if t.ok && !t.inner && t.logged {
			logs = append(logs, telling[safe.Log]{t.provider, t.logs})
		}
	}
	var slots []telling[safe.SlotChange]
	var balances []telling[safe.BalanceChange]
	var codes []telling[safe.CodeChange]
	for _, p := range c.providers {
		if t, ok := traces[p.name]; ok {
			slots = append(slots, telling[safe.SlotChange]{p.name, t.slots})
			balances = append(balances, telling[safe.BalanceChange]{p.name, t.balances})
			codes = append(codes, telling[safe.CodeChange]{p.name, t.codes})
		}
	}
	if len(logs) == 0 && len(slots) == 0 {
		return nil
	}
	enough := max(c.agreement, min(2, len(c.providers)))
	e := &safe.Effects{
		Logged: len(logs) > 0, Traced: len(slots) > 0,
		Logs:     joined(logs, eventKey, enough),
		Slots:    joined(slots, itself[safe.SlotChange], enough),
		Balances: joined(balances, itself[safe.BalanceChange], enough),
		Codes:    joined(codes, itself[safe.CodeChange], enough),
	}
	if disputed(trials) {
		e.Slots = slices.DeleteFunc(e.Slots, func(s safe.Seen[safe.SlotChange]) bool { return len(s.By) > 0 && s.What.Before == s.What.After })
	}
	return e
}

// disputed reports whether two simulations read something else behind the transaction.
func disputed(trials []namedTrial) bool {
	var first *namedTrial
	for i, t := range trials {
		switch {
		case t.after == nil:
		case first == nil:
			first = &trials[i]
		case resultsKey(t.after) != resultsKey(first.after):
			return true
		}
	}
	return false
}

// joined gives every fact once, in the order in which it is first told, with those who told it where they are fewer than enough. What one
// provider tells twice happened twice.
func joined[T any, K comparable](all []telling[T], key func(T) K, enough int) []safe.Seen[T] {
	type nth struct {
		key K
		n   int
	}
	var seen []safe.Seen[T]
	at := map[nth]int{}
	for _, one := range all {
		times := map[K]int{}
		for _, fact := range one.facts {
			k := key(fact)
			this := nth{k, times[k]}
			times[k]++
			i, known := at[this]
			if !known {
				i = len(seen)
				at[this] = i
				seen = append(seen, safe.Seen[T]{What: fact})
			}
			seen[i].By = append(seen[i].By, one.by)
		}
	}
	for i := range seen {
		if len(seen[i].By) >= enough {
			seen[i].By = nil
		}
	}
	return seen
}

func itself[T any](fact T) T { return fact }

func eventKey(l safe.Log) string {
	parts := [][]byte{l.Address[:], l.Data}
	for _, topic := range l.Topics {
		parts = append(parts, topic[:])
	}
	return digest(parts...)
}

// simulatedLogs are the events of a simulated call, no more than its gas can pay for.
type simulatedLogs []simulatedLog

// UnmarshalJSON gives up where there are more.
func (l *simulatedLogs) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if opening, err := d.Token(); err != nil || opening == nil {
		return err // null is none
	} else if opening != json.Delim('[') {
		return errNoLogs
	}
	for d.More() {
		if len(*l) == maxLogs {
			return errTooManyLogs
		}
		var one simulatedLog
		if err := d.Decode(&one); err != nil {
			return err
		}
		*l = append(*l, one)
	}
	return nil
}

// told are the events as the rest of the program knows them.
func (l simulatedLogs) told() []safe.Log {
	logs := make([]safe.Log, len(l))
	for i, one := range l {
		logs[i] = safe.Log{Address: one.Address, Topics: one.Topics, Data: one.Data}
	}
	return logs
}

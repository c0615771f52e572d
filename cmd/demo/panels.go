package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// view is everything that the screen shows at one moment.
type view struct {
	Screen, Front  string
	People         []person
	WarRoom        []line
	Community      []line
	Chain          moment
	Delay          time.Duration
	Holder         account
	Accounts       []account
	Ask            *ask
	Belay          life
	Tamper         tampering
	Tampered       int
	AskedSince     int // signatures that pages asked for since the server was taken over
	Manner         honesty
	Asked, Lies    int
	Noticed        int
	Liar           string
	Forgery        []string
	Killing        string
	Typed, Signed  bool // the first two things to try
	PausedSomewhat bool // and the third
}

func (s *screen) view() (view, error) {
	st := s.stage
	people := st.people()
	v := view{Screen: s.url(), Front: st.front.url(), People: people, WarRoom: s.talk.lines(warRoom, people), Community: s.talk.lines(community, people),
		Chain: st.ledger.present(), Delay: st.stack.MinDelay, Accounts: st.wallet.accounts, Belay: st.belay.state(), Liar: st.liar().name}
	var asked int
	v.Holder, v.Ask, asked = st.wallet.present()
	v.Tamper, v.Tampered = st.front.told()
	v.Manner, v.Asked, v.Lies = st.liar().told()
	s.attacks.mu.Lock()
	v.AskedSince, v.Noticed, v.Forgery, v.Killing = asked-s.attacks.asked, s.attacks.noticing, s.attacks.forgery, s.attacks.killing
	s.attacks.mu.Unlock()
	for _, l := range v.WarRoom {
		v.Typed = v.Typed || l.Who == "belay" && !l.Private
	}
	v.Signed = st.wallet.signers() >= st.stack.Threshold
	for _, e := range v.Chain.Executed {
		v.PausedSomewhat = v.PausedSomewhat || e.Block > 0
	}
	return v, nil
}

// panel is a part of the screen that is sent anew when it has changed.
type panel struct{ name, data string }

func (v view) panels(t *template.Template) []panel {
	all := []panel{}
	for _, room := range []struct {
		name  string
		lines []line
	}{{"war-room", v.WarRoom}, {"community", v.Community}} {
		entries := make([][2]string, 0, len(room.lines))
		for _, l := range room.lines {
			entries = append(entries, [2]string{l.ID, render(t, "line", l)})
		}
		all = append(all, panel{room.name, encode(entries)})
	}
	for _, name := range []string{"guide", "service", "hands", "sheet", "chain", "attacks"} {
		all = append(all, panel{name, encode(render(t, name, v))})
	}
	return all
}

func render(t *template.Template, name string, data any) string {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return template.HTMLEscapeString(err.Error())
	}
	return out.String()
}

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return `""` // cannot happen: strings
	}
	return string(raw)
}

func parseTemplates() (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"clock": func(t time.Time) string { return t.UTC().Format("15:04:05") }, "stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"title": title, "short": short, "quads": quads, "percent": percent, "ether": inEther, "left": left, "share": share, "initial": initial,
		"last": func(all []tick) uint64 { return all[len(all)-1].Number }, "seconds": func(d time.Duration) int { return int(d.Seconds()) },
		"reversed": reversed, "count": count,
	}).ParseFS(static, "static/*.html")
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func initial(s string) string { return title(s)[:min(1, len(s))] }

// short is a label for people, never something to compare.
func short(h common.Hash) string { return h.Hex()[:8] + "…" + h.Hex()[62:] }

// quads cuts a hash into groups of four digits.
func quads(h common.Hash) []string {
	text := h.Hex()[2:]
	var groups []string
	for ; text != ""; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return groups
}

// percent writes basis points.
func percent(bps uint64) string {
	return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%d.%02d", bps/100, bps%100), "0"), ".0") + " %"
}

func inEther(wei *big.Int) string {
	const wholeDigits, shown = 1e18, 4
	f, _ := new(big.Float).Quo(new(big.Float).SetInt(wei), big.NewFloat(wholeDigits)).Float64()
	return strconv.FormatFloat(f, 'f', shown, 64)
}

// left is how many seconds of chain time are left until opens.
func left(opens, now time.Time) int { return int(max(0, opens.Sub(now).Seconds())) }

// share is how much of the delay is over, in twentieths: the style sheet has a class for each.
func share(opens, now time.Time, delay time.Duration) int {
	const parts = 20
	if delay <= 0 {
		return parts
	}
	over := 1 - float64(opens.Sub(now))/float64(delay)
	return int(min(1, max(0, over)) * parts)
}

func reversed(all []operation) []operation {
	out := make([]operation, 0, len(all))
	for i := range all {
		out = append(out, all[len(all)-1-i])
	}
	return out
}

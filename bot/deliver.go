package bot

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"belay/governance"
)

// Deliver brings one platform's cards and threads of a proposal up to date and gives back where they stand. It loads the
// present proposal, so that any number of duties collapse into one edit. What was done before a failure is in the
// references too; the error then says what is left.
func (b *Bot) Deliver(ctx context.Context, duty governance.Duty) ([]governance.MessageRef, error) {
	if duty.Kind != governance.DutyCard {
		return nil, fmt.Errorf("deliver: a duty of kind %q is none of chat's", duty.Kind)
	}
	p, ok := b.platforms[duty.Target]
	if !ok {
		b.cfg.Log.Warn("card for a platform that is not configured any more", "platform", duty.Target, "proposal_id", duty.Proposal)
		return nil, nil
	}
	defer b.lock(duty.Proposal + "/" + duty.Target)()
	known, err := b.cfg.Messages.Messages(duty.Proposal)
	if err != nil {
		return nil, fmt.Errorf("read where the cards of %s stand: %w", duty.Proposal, err)
	}
	var refs []governance.MessageRef
	var failures []error
	for _, room := range p.Rooms() {
		d := delivery{bot: b, platform: p, room: room, duty: duty, ref: b.cards.recall(known, duty.Proposal, place(p, room))}
		err := d.run(ctx)
		if d.ref.Message != "" {
			b.cards.remember(d.ref)
			refs = append(refs, d.ref)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s of %s: %w", room.Name, p.Name(), err))
		}
	}
	return refs, errors.Join(failures...)
}

// lock lets one delivery per key pass and gives back the way to unlock.
func (b *Bot) lock(key string) func() {
	m, _ := b.locks.LoadOrStore(key, &sync.Mutex{})
	mu := m.(*sync.Mutex)
	mu.Lock()
	return mu.Unlock
}

func place(p Platform, r Room) string { return p.Name() + "/" + r.Channel + "/" + r.Name }

// delivery is one room's share of a duty.
type delivery struct {
	bot      *Bot
	platform Platform
	room     Room
	duty     governance.Duty
	ref      governance.MessageRef
}

func (d *delivery) run(ctx context.Context) error {
	v, visible, err := d.view(ctx)
	if err != nil || !visible {
		return err
	}
	if err := d.card(ctx, Draw(v, d.bot.reader(v, d.room.Audience))); err != nil {
		return err
	}
	if d.room.Audience != governance.AudienceWarRoom {
		return nil // the community reads the card; the story with its names is the war room's
	}
	return d.story(ctx, v)
}

// view loads the proposal as the room may see it. The public's View is asked for by its public id.
func (d *delivery) view(ctx context.Context) (v governance.View, visible bool, err error) {
	v, err = d.bot.desk.Show(ctx, d.duty.Proposal, governance.Viewer{Audience: governance.AudienceWarRoom})
	if err != nil || d.room.Audience == governance.AudienceWarRoom {
		return v, true, err
	}
	if !v.IsPublic {
		return v, false, nil
	}
	v, err = d.bot.desk.Show(ctx, v.PublicID, governance.Viewer{Audience: d.room.Audience})
	if r, ok := asRefusal(err); ok && r.Code == governance.CodeNotFound {
		return v, false, nil
	}
	return v, true, err
}

// card posts the card, or edits it where it stands. A card that somebody deleted is posted again.
func (d *delivery) card(ctx context.Context, c Card) error {
	print := fingerprint(c)
	if d.ref.Message == "" {
		if err := d.post(ctx, c); err != nil {
			return err
		}
	} else if !d.bot.cards.shows(d.ref, print) {
		err := d.platform.Edit(ctx, d.room.Channel, d.ref.Message, c)
		if ClassOf(err) == Gone {
			d.ref.Message, d.ref.Thread = "", ""
			err = d.post(ctx, c)
		}
		if err != nil {
			return fmt.Errorf("bring the card up to date: %w", err)
		}
	}
	d.ref.Version = max(d.ref.Version, d.duty.Version)
	d.bot.cards.shown(d.ref, print)
	return nil
}

// post puts the card up. Where an earlier life may have done it and died before it could say so, it looks first.
func (d *delivery) post(ctx context.Context, c Card) error {
	op := operation(d.ref.Proposal, d.ref.Place, "card", d.ref.Seq)
	if d.duty.Attempts > 0 || d.duty.Due.Before(d.bot.started) {
		found, err := d.platform.Find(ctx, d.room.Channel, op)
		if err != nil {
			d.bot.cfg.Log.Debug("look for an earlier card", "platform", d.platform.Name(), "error", err)
		}
		if found != "" {
			d.ref.Message = found
			return d.platform.Edit(ctx, d.room.Channel, found, c)
		}
	}
	message, err := d.platform.Post(ctx, d.room.Channel, c, op)
	if err != nil {
		return fmt.Errorf("post the card: %w", err)
	}
	d.ref.Message = message
	return nil
}

// story tells the thread what happened since the last telling, in one message.
func (d *delivery) story(ctx context.Context, v governance.View) error {
	var lines []Line
	last := d.ref.Seq
	for _, e := range v.Events {
		if e.Seq <= d.ref.Seq {
			continue
		}
		last = max(last, e.Seq)
		if tellable(e) {
			lines = append(lines, eventWords(e))
		}
	}
	if len(lines) == 0 {
		d.ref.Seq = last
		return nil
	}
	if d.ref.Thread == "" {
		thread, err := d.platform.OpenThread(ctx, d.room.Channel, d.ref.Message, threadName(v))
		if err != nil {
			return fmt.Errorf("open the thread: %w", err)
		}
		d.ref.Thread = thread
	}
	story := Card{Summary: v.ID + ": " + plainTimes(v.Status), Sections: []Section{{Lines: lines}}}
	err := d.platform.Tell(ctx, d.room.Channel, d.ref.Thread, story, operation(d.ref.Proposal, d.ref.Place, "story", last))
	if class := ClassOf(err); err != nil && class != Gone && class != Forbidden {
		return fmt.Errorf("tell the thread: %w", err)
	}
	if err != nil { // deleted or locked by people: the card goes on telling
		d.bot.cfg.Log.Warn("thread cannot be written", "platform", d.platform.Name(), "proposal_id", d.ref.Proposal, "error", err)
	}
	d.ref.Seq = last
	return nil
}

// tellable leaves out what the card itself says, and what nobody needs a notification for: that a transaction is final is
// told by what follows from it.
func tellable(e governance.EventView) bool {
	return e.Type != governance.EventProposed && e.Type != governance.EventFinal && (e.Text != "" || e.Ours != "")
}

func threadName(v governance.View) string { return v.ID + " " + v.Headline() }

// operation names one send for good, so that a platform can tell a repetition. 24 characters: Discord's nonce holds 25.
func operation(proposal, place, what string, seq uint64) string {
	sum := sha256.Sum256([]byte(proposal + "\x00" + place + "\x00" + what + "\x00" + strconv.FormatUint(seq, 10)))
	return base32.StdEncoding.EncodeToString(sum[:15])
}

// fingerprint tells whether a card would look the same.
func fingerprint(c Card) [32]byte {
	text, err := json.Marshal(c)
	if err != nil {
		return [32]byte{} // cannot happen: a Card is plain data
	}
	return sha256.Sum256(text)
}

// cards remembers what was shown last and where. It is a hint that saves edits and bridges the moment between a post and
// the commit of its reference; the store is the truth. The zero value is ready. It locks itself.
type cards struct {
	mu     sync.Mutex
	refs   map[string]governance.MessageRef // by proposal and place
	prints map[string][32]byte              // the same, for the message that is in refs
}

// recall finds the reference of a place: the store's, unless what is remembered goes further.
func (c *cards) recall(stored []governance.MessageRef, proposal, place string) governance.MessageRef {
	c.mu.Lock()
	defer c.mu.Unlock()
	ref := governance.MessageRef{Proposal: proposal, Place: place}
	for _, s := range stored {
		if s.Place == place {
			ref = s
		}
	}
	if mine, ok := c.refs[proposal+" "+place]; ok && (ref.Message == "" || mine.Seq > ref.Seq || mine.Version > ref.Version) {
		return mine
	}
	return ref
}

func (c *cards) remember(ref governance.MessageRef) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refs == nil || len(c.refs) > 10_000 {
		c.refs, c.prints = map[string]governance.MessageRef{}, map[string][32]byte{}
	}
	c.refs[ref.Proposal+" "+ref.Place] = ref
}

func (c *cards) shows(ref governance.MessageRef, print [32]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := ref.Proposal + " " + ref.Place
	return c.refs[key].Message == ref.Message && c.prints[key] == print
}

func (c *cards) shown(ref governance.MessageRef, print [32]byte) {
	c.remember(ref)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prints[ref.Proposal+" "+ref.Place] = print
}

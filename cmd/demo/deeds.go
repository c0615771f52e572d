package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"belay/bot/slack/standin"
)

// deeds are what the screen can ask for, by the last part of their address.
func (s *screen) deeds() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"say":    s.say,
		"press":  s.press,
		"hand":   func(w http.ResponseWriter, r *http.Request) { done(w, s.stage.wallet.use(r.FormValue("to"))) },
		"decide": s.decide,
		"tamper": func(w http.ResponseWriter, r *http.Request) { done(w, s.attacks.tamper(tampering(r.FormValue("how")))) },
		"lie": func(w http.ResponseWriter, r *http.Request) {
			done(w, s.attacks.lie(r.Context(), honesty(r.FormValue("how"))))
		},
		"kill":  func(w http.ResponseWriter, _ *http.Request) { s.later(s.attacks.kill); done(w, true) },
		"forge": func(w http.ResponseWriter, _ *http.Request) { s.later(s.attacks.forge); done(w, true) },
	}
}

func done(w http.ResponseWriter, ok bool) {
	if !ok {
		http.Error(w, "there is no such thing", http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// later does what takes longer than a request should, until the screen closes.
func (s *screen) later(do func(context.Context)) {
	s.running.Go(func() {
		ctx, cancel := context.WithTimeout(s.work, 2*readyWithin)
		defer cancel()
		do(ctx)
	})
}

func (s *screen) person(slack string) (person, bool) {
	all := s.stage.people()
	i := slices.IndexFunc(all, func(p person) bool { return p.Slack == slack })
	if i < 0 {
		return person{}, false
	}
	return all[i], true
}

func channelOf(name string) (string, bool) {
	channel, known := map[string]string{"war-room": warRoom, "community": community}[name]
	return channel, known
}

// say types a line into a channel: a slash command goes to Belay, signed as Slack signs.
func (s *screen) say(w http.ResponseWriter, r *http.Request) {
	who, known := s.person(r.FormValue("who"))
	channel, exists := channelOf(r.FormValue("channel"))
	text := strings.TrimSpace(r.FormValue("text"))
	if !known || !exists || text == "" || len(text) > 2000 {
		done(w, false)
		return
	}
	s.talk.note(channel, who.Name, who.Name, text)
	command, rest, _ := strings.Cut(text, " ")
	if !slices.Contains([]string{"/pause", "/propose", "/belay"}, command) {
		what := "Nobody else is here to read that."
		if strings.HasPrefix(text, "/") {
			what = command + " is not a valid command."
		}
		s.talk.note(channel, slackbot, who.Name, what+" This room takes /pause, /propose and /belay; try /belay help.")
		done(w, true)
		return
	}
	s.later(func(ctx context.Context) {
		if _, err := s.stage.chat.Slash(ctx, who.Slack, channel, command, strings.TrimSpace(rest)); err != nil {
			s.talk.note(channel, slackbot, who.Name, command+" failed: "+plainFailure(err)+" Nothing was recorded; type it again.")
		}
	})
	done(w, true)
}

// plainFailure says what Slack's people would see.
func plainFailure(err error) string {
	if errors.Is(err, standin.ErrTimeout) {
		return "the app did not answer in time (operation_timeout)."
	}
	return "the app did not answer (dispatch_failed)."
}

func (s *screen) press(w http.ResponseWriter, r *http.Request) {
	who, known := s.person(r.FormValue("who"))
	m, exists := s.talk.message(r.FormValue("message"), s.stage.people())
	if !known || !exists {
		done(w, false)
		return
	}
	action, value := r.FormValue("action"), r.FormValue("value")
	s.later(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := s.stage.chat.PressAs(ctx, who.Slack, m, action, value); err != nil {
			s.talk.note(m.Channel, slackbot, who.Name, "The button failed: "+plainFailure(err)+" Nothing was recorded; press it again.")
		}
	})
	done(w, true)
}

// decide answers the wallet's question that the screen showed, and no other.
func (s *screen) decide(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.FormValue("number"))
	done(w, err == nil && s.stage.wallet.decide(number, r.FormValue("answer") == "sign"))
}

package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"belay/bot"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/time/rate"
)

const (
	socketWorkers = 8
	socketQueue   = 256 // arrivals that wait for a worker; beyond it Slack shows the person an error
)

// runSocket keeps a Socket Mode connection until ctx ends. The library reconnects by itself, but at once and for ever:
// its dials pass a limiter here, and refusals that no retry mends end the run.
func (p *Platform) runSocket(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := socketmode.New(p.api, socketmode.OptionDialer(limitedDialer(ctx)), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	s := &socket{platform: p, client: client, queue: make(chan socketmode.Event, socketQueue), fail: cancel}

	var wait sync.WaitGroup
	wait.Go(func() { s.drain(ctx) })
	for range socketWorkers {
		wait.Go(func() { s.work(ctx) })
	}
	err := client.RunContext(ctx) //nolint:staticcheck // see below
	cancel(nil)
	wait.Wait()
	p.health.set(errors.New("slack: not connected"))
	if fatal, ok := errors.AsType[*bot.Failure](context.Cause(ctx)); ok {
		p.health.set(fatal)
		return fatal
	}
	if err != nil && !errors.Is(err, context.Canceled) { //nolint:staticcheck // it never returns nil today, and may one day
		fatal := classify("socket mode", err)
		p.health.set(fatal)
		return fatal
	}
	return nil
}

// limitedDialer dials at most once a second after a burst of three: a server that hangs up right after the greeting made
// the library dial thousands of times a second.
func limitedDialer(ctx context.Context) *websocket.Dialer {
	limit := rate.NewLimiter(rate.Every(time.Second), 3)
	var dialer net.Dialer
	return &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 15 * time.Second,
		NetDialContext: func(dialing context.Context, network, address string) (net.Conn, error) {
			if err := limit.Wait(ctx); err != nil {
				return nil, fmt.Errorf("wait for the next dial: %w", err)
			}
			return dialer.DialContext(dialing, network, address)
		},
	}
}

// socket is one run of Socket Mode.
type socket struct {
	platform *Platform
	client   *socketmode.Client
	queue    chan socketmode.Event
	fail     context.CancelCauseFunc
}

// drain takes everything off the library's channel at once: if nobody did, the library would stop reading, miss pings and
// never reconnect. It never blocks; what finds the queue full is not acknowledged, and the person sees an error.
func (s *socket) drain(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-s.client.Events:
			s.sort(event)
		}
	}
}

func (s *socket) sort(event socketmode.Event) {
	log := s.platform.cfg.Log
	switch event.Type {
	case socketmode.EventTypeConnected, socketmode.EventTypeHello:
		s.platform.health.set(nil)
	case socketmode.EventTypeConnecting:
		s.platform.health.set(errors.New("slack: connecting"))
	case socketmode.EventTypeConnectionError:
		s.judge(event)
	case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI, socketmode.EventTypeErrorBadMessage:
		select {
		case s.queue <- event:
		default:
			log.Error("too many arrivals at once; one was dropped unacknowledged", "platform", Name)
		}
	case socketmode.EventTypeErrorWriteFailed:
		log.Warn("acknowledgement was not written", "platform", Name)
	}
}

// judge ends the run where only an operator can help; the library would try for ever.
func (s *socket) judge(event socketmode.Event) {
	problem, ok := event.Data.(*slack.ConnectionErrorEvent)
	if !ok {
		return
	}
	failure := classify("socket mode", problem.ErrorObj)
	s.platform.health.set(failure)
	s.platform.cfg.Log.Warn("no connection", "platform", Name, "attempt", problem.Attempt, "error", failure)
	if bot.ClassOf(failure) == bot.Forbidden {
		s.fail(failure)
	}
}

func (s *socket) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-s.queue:
			s.serve(ctx, event)
		}
	}
}

// envelope is what wraps every arrival on the socket.
type envelope struct {
	Type       string          `json:"type"`
	EnvelopeID string          `json:"envelope_id"`
	Payload    json.RawMessage `json:"payload"`
}

func (s *socket) serve(ctx context.Context, event socketmode.Event) {
	since := time.Now()
	e, ok := open(event)
	if !ok {
		return
	}
	var answer reply
	switch e.Type {
	case string(socketmode.RequestTypeSlashCommands):
		answer = s.platform.take(ctx, kindCommandJSON, e.Payload, since)
	case string(socketmode.RequestTypeInteractive):
		answer = s.platform.take(ctx, kindInteraction, e.Payload, since)
	}
	if err := s.client.AckCtx(ctx, e.EnvelopeID, answer.body); err != nil {
		s.platform.cfg.Log.Warn("acknowledge", "platform", Name, "error", err)
	}
	if answer.then != nil {
		answer.then(ctx)
	}
}

// open gives the envelope as it came. One that the library could not decode is acknowledged and read all the same: our own
// reading asks for less.
func open(event socketmode.Event) (envelope, bool) {
	if bad, ok := event.Data.(*socketmode.ErrorBadMessage); ok {
		var e envelope
		err := json.Unmarshal(bad.Message, &e)
		return e, err == nil && e.EnvelopeID != ""
	}
	if event.Request == nil {
		return envelope{}, false
	}
	return envelope{Type: event.Request.Type, EnvelopeID: event.Request.EnvelopeID, Payload: event.Request.Payload}, true
}

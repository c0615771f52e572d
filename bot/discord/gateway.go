package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"belay/bot"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// The gateway's operations (discord.com/developers/docs/topics/opcodes-and-status-codes).
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opResume         = 6
	opReconnect      = 7
	opInvalidSession = 9
	opHello          = 10
	opHeartbeatAck   = 11
)

// pace is how patient the gateway loop is.
type pace struct {
	greeting time.Duration // for HELLO, and then for READY
	steady   time.Duration // a connection that lived so long was a good one
	wait     func(attempt int) time.Duration
}

// defaultPace doubles from one second to four minutes, with jitter. More than 1000 identifies a day make Discord reset the
// token; at the longest waits there are at most 720.
var defaultPace = pace{greeting: 20 * time.Second, steady: time.Minute, wait: func(attempt int) time.Duration {
	longest := min(time.Second<<min(attempt, 8), 4*time.Minute)
	return longest/2 + rand.N(longest/2) //nolint:gosec // jitter is no secret
}}

// maxInFlight bounds the interactions that are being recorded at once; what comes beyond shows the person an error.
const maxInFlight = 64

// session is what a connection needs to go on where the last one ended.
type session struct {
	id, resumeURL string
	seq           int64
}

// runGateway keeps a connection until ctx ends or Discord says that only an operator can help.
func (p *Platform) runGateway(ctx context.Context) error {
	var s session
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, maxInFlight)
	for attempt := 0; ; attempt++ {
		c := &connection{platform: p, session: &s, work: &work, slots: slots}
		began := time.Now()
		err := c.run(ctx)
		if ctx.Err() != nil {
			p.health.set(errors.New("discord: stopped"))
			return nil
		}
		p.health.set(err)
		if bot.ClassOf(err) == bot.Forbidden {
			return err
		}
		if c.greeted && time.Since(began) >= p.pace.steady {
			attempt = 0
		}
		p.cfg.Log.Warn("gateway connection ended", "platform", Name, "attempt", attempt, "resumable", s.id != "", "error", err)
		if !sleep(ctx, max(p.pace.wait(attempt), bot.RetryAfter(err))) {
			return nil
		}
	}
}

// connection is one websocket. Its reader owns everything but the writes, which mu guards, and the heartbeat's memory.
type connection struct {
	platform *Platform
	session  *session
	work     *sync.WaitGroup
	slots    chan struct{}
	ws       *websocket.Conn
	greeted  bool // READY or RESUMED came

	mu       sync.Mutex
	seq      int64 // guarded by mu; a copy for the heartbeat
	answered bool  // guarded by mu; the last heartbeat was acknowledged
}

// packet is what travels on the gateway.
type packet struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  int64           `json:"s"`
	Type string          `json:"t"`
}

type outgoing struct {
	Op   int `json:"op"`
	Data any `json:"d"`
}

// run connects, greets, and reads until the connection ends; it always gives an error that says why.
func (c *connection) run(ctx context.Context) error {
	if err := c.dial(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { c.ws.Close() }) // unblocks the reader
	defer stop()
	defer cancel()
	defer c.ws.Close()

	interval, err := c.hello()
	if err != nil {
		return err
	}
	if err := c.introduce(); err != nil {
		return err
	}
	var beat sync.WaitGroup
	beat.Go(func() { c.heartbeat(ctx, interval) })
	defer beat.Wait()
	defer cancel()
	for {
		if err := c.next(ctx); err != nil {
			return err
		}
	}
}

// dial goes to the address that the last session gave for resuming, or asks for one.
func (c *connection) dial(ctx context.Context) error {
	address := c.session.resumeURL
	if c.session.id == "" || address == "" {
		var gateway struct {
			URL string `json:"url"`
		}
		if err := c.platform.rest.do(ctx, call{method: http.MethodGet, path: "/gateway", route: "ask for the gateway"}, &gateway); err != nil {
			return err
		}
		address = gateway.URL
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "wss" && !loopback(u.Hostname()) {
		return &bot.Failure{Class: bot.Retryable, Detail: "discord: the gateway's address is not a secure one"}
	}
	u.RawQuery = url.Values{"v": {apiVersion}, "encoding": {"json"}}.Encode()
	if u.Path == "" {
		u.Path = "/"
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: c.platform.pace.greeting}
	ws, response, err := dialer.DialContext(ctx, u.String(), nil)
	if response != nil && response.Body != nil {
		response.Body.Close()
	}
	if err != nil {
		c.session.resumeURL = "" // it may be gone
		return networkFailure("gateway", err)
	}
	ws.SetReadLimit(8 << 20)
	c.ws = ws
	return nil
}

// hello waits for the greeting and gives the heartbeat's interval.
func (c *connection) hello() (time.Duration, error) {
	if err := c.ws.SetReadDeadline(time.Now().Add(c.platform.pace.greeting)); err != nil {
		return 0, networkFailure("gateway", err)
	}
	var m packet
	if err := c.read(&m); err != nil {
		return 0, err
	}
	var d struct {
		Interval int64 `json:"heartbeat_interval"` // milliseconds
	}
	if err := json.Unmarshal(m.Data, &d); m.Op != opHello || err != nil || d.Interval <= 0 {
		return 0, retry("the gateway did not greet")
	}
	return time.Duration(d.Interval) * time.Millisecond, nil
}

// introduce resumes the last session, or begins one. Interactions need no intents.
func (c *connection) introduce() error {
	c.seq, c.answered = c.session.seq, true
	token := c.platform.cfg.Token.Reveal()
	if c.session.id != "" {
		return c.write(outgoing{opResume, map[string]any{"token": token, "session_id": c.session.id, "seq": c.session.seq}})
	}
	return c.write(outgoing{opIdentify, map[string]any{
		"token": token, "intents": discordgo.IntentsNone,
		"properties": map[string]string{"os": "linux", "browser": "belay", "device": "belay"},
	}})
}

// next reads one packet and does what it asks for.
func (c *connection) next(ctx context.Context) error {
	var m packet
	if err := c.read(&m); err != nil {
		return err
	}
	switch m.Op {
	case opDispatch:
		return c.dispatch(ctx, m)
	case opHeartbeat:
		return c.beat()
	case opHeartbeatAck:
		c.mu.Lock()
		c.answered = true
		c.mu.Unlock()
	case opReconnect:
		return retry("Discord asked to reconnect")
	case opInvalidSession:
		var resumable bool
		if err := json.Unmarshal(m.Data, &resumable); err != nil || !resumable {
			*c.session = session{}
		}
		return retry("Discord does not know the session any more")
	}
	return nil
}

// dispatch follows the session and hands interactions over.
func (c *connection) dispatch(ctx context.Context, m packet) error {
	c.session.seq = m.Seq
	c.mu.Lock()
	c.seq = m.Seq
	c.mu.Unlock()
	switch m.Type {
	case "READY":
		var ready struct {
			SessionID string `json:"session_id"`
			ResumeURL string `json:"resume_gateway_url"`
		}
		if err := json.Unmarshal(m.Data, &ready); err != nil {
			return retry("READY cannot be read")
		}
		c.session.id, c.session.resumeURL = ready.SessionID, ready.ResumeURL
		return c.welcome()
	case "RESUMED":
		return c.welcome()
	case "INTERACTION_CREATE":
		c.hand(ctx, m.Data)
	}
	return nil
}

// welcome ends the greeting's deadline: from now on the heartbeat finds a dead connection.
func (c *connection) welcome() error {
	c.greeted = true
	c.platform.health.set(nil)
	if err := c.ws.SetReadDeadline(time.Time{}); err != nil {
		return networkFailure("gateway", err)
	}
	return nil
}

// hand records and acknowledges an interaction beside the reader, which must go on reading.
func (c *connection) hand(ctx context.Context, body []byte) {
	since := time.Now()
	select {
	case c.slots <- struct{}{}:
	default:
		c.platform.cfg.Log.Error("too many arrivals at once; one was dropped unacknowledged", "platform", Name)
		return
	}
	ctx = context.WithoutCancel(ctx) // a recorded arrival is acknowledged even while we stop; the calls have their own ends
	c.work.Go(func() {
		defer func() { <-c.slots }()
		in, answer := c.platform.take(ctx, body, since)
		defer c.platform.acks.end(in.Token)
		if err := c.platform.acknowledge(ctx, in, answer); err != nil {
			c.platform.cfg.Log.Warn("acknowledge", "platform", Name, "error", err)
		}
	})
}

// heartbeat keeps the connection alive and closes one on which the last beat stayed unanswered.
func (c *connection) heartbeat(ctx context.Context, interval time.Duration) {
	if !sleep(ctx, rand.N(interval)) { //nolint:gosec // jitter is no secret
		return
	}
	for {
		c.mu.Lock()
		dead := !c.answered
		c.answered = false
		c.mu.Unlock()
		if dead || c.beat() != nil {
			c.ws.Close()
			return
		}
		if !sleep(ctx, interval) {
			return
		}
	}
}

func (c *connection) beat() error {
	c.mu.Lock()
	seq := c.seq
	c.mu.Unlock()
	if seq == 0 {
		return c.write(outgoing{opHeartbeat, nil})
	}
	return c.write(outgoing{opHeartbeat, seq})
}

func (c *connection) write(m outgoing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ws.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return networkFailure("gateway", err)
	}
	if err := c.ws.WriteJSON(m); err != nil {
		return networkFailure("gateway", err)
	}
	return nil
}

func (c *connection) read(m *packet) error {
	err := c.ws.ReadJSON(m)
	if err == nil {
		return nil
	}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return c.closed(closed.Code)
	}
	return networkFailure("gateway", err)
}

// closed sorts the codes with which Discord ends a connection.
func (c *connection) closed(code int) error {
	switch code {
	case 4004, 4010, 4011, 4012, 4013, 4014: // token, shards, version, intents
		return &bot.Failure{Class: bot.Forbidden, Detail: fmt.Sprintf("discord: the gateway refuses us for good, code %d", code)}
	case websocket.CloseNormalClosure, websocket.CloseGoingAway, 4003, 4007, 4009: // the session is over
		*c.session = session{}
	}
	return retry(fmt.Sprintf("the gateway closed, code %d", code))
}

func retry(why string) error {
	return &bot.Failure{Class: bot.Retryable, Detail: "discord: " + why}
}

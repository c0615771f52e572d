package chain

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	pushGap      = 200 * time.Millisecond // between two looks at the head, however often one is pushed
	pushPace     = 50 * time.Millisecond  // between two messages of a provider: faster than any chain, and no flood
	pushPing     = 20 * time.Second
	pushSilence  = time.Minute // without a message or an answer to a ping, after which a connection is dead
	pushSteady   = time.Minute // that a connection must last to count as repaired
	pushRetryMax = time.Minute // between two attempts to connect
	maxPush      = 1 << 20     // bytes of one message; a header has one or two thousand
)

// pushMethod is what exchanges over WebSocket are counted as.
const pushMethod = "eth_subscribe"

// pushed connects to every provider that offers a WebSocket and returns a channel that holds a value when any of them told of a new head.
// That is a hint and nothing more: what the message says is not even looked at. stop ends the connections and awaits their goroutines.
func (c *Client) pushed(ctx context.Context) (heads <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hints := make(chan struct{}, 1)
	var listening sync.WaitGroup
	for _, p := range c.providers {
		if p.ws != "" {
			listening.Go(func() { c.listen(ctx, p, hints) })
		}
	}
	return hints, func() { cancel(); listening.Wait() }
}

// listen keeps a provider's subscription up until ctx ends. It tells of trouble once, until a connection lasted.
func (c *Client) listen(ctx context.Context, p *provider, hints chan<- struct{}) {
	told := false
	for failures := 0; ; failures++ {
		began := time.Now()
		err := p.subscribe(ctx, hints)
		if ctx.Err() != nil {
			return
		}
		p.observe(pushMethod, outcomeOf(err), time.Since(began))
		if time.Since(began) >= pushSteady {
			failures, told = 0, false
		}
		if !told {
			told = true
			c.log.InfoContext(ctx, "new heads are not pushed, they are polled for", "chain", c.cfg.Name, "provider", p.name, "reason", err.Error())
		}
		full := min(time.Second<<min(failures, 10), pushRetryMax)
		if pause(ctx, full-rand.N(full/2)) != nil { //nolint:gosec // jitter is no secret
			return
		}
	}
}

// subscribe follows new heads over one connection until it ends, and says why it did.
func (p *provider) subscribe(ctx context.Context, hints chan<- struct{}) error {
	conn, err := p.dialSocket(ctx)
	if err != nil {
		return err
	}
	var pinging sync.WaitGroup
	defer pinging.Wait()
	alive, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(alive, func() { conn.Close() })()
	defer conn.Close()
	conn.SetReadLimit(maxPush)
	heard := func(string) error { return conn.SetReadDeadline(time.Now().Add(pushSilence)) }
	conn.SetPongHandler(heard)
	if err := heard(""); err != nil {
		return p.socketError(ctx, err)
	}
	ask := wireRequest{Version: "2.0", ID: 1, Method: pushMethod, Params: []any{"newHeads"}}
	if err := conn.WriteJSON(ask); err != nil {
		return p.socketError(ctx, err)
	}
	pinging.Go(func() { ping(alive, conn) })
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return p.socketError(ctx, err)
		}
		if err := heard(""); err != nil {
			return p.socketError(ctx, err)
		}
		if err := p.takePush(text, hints); err != nil {
			return err
		}
		if err := pause(ctx, pushPace); err != nil {
			return p.socketError(ctx, err)
		}
	}
}

// takePush makes a hint of a notification. Anything else but a refusal is passed over.
func (p *provider) takePush(text []byte, hints chan<- struct{}) error {
	var message struct {
		Method string     `json:"method"`
		Error  *wireError `json:"error"`
	}
	switch err := json.Unmarshal(text, &message); {
	case err != nil:
		return &providerError{outcome: NotJSON, text: "answered something that is not JSON"}
	case message.Error != nil:
		return &providerError{outcome: Refused, text: "refused: " + p.newRPCError(message.Error).message}
	case message.Method == "eth_subscription":
		select {
		case hints <- struct{}{}:
		default: // one is waiting already
		}
	}
	return nil
}

func ping(ctx context.Context, conn *websocket.Conn) {
	for pause(ctx, pushPing) == nil {
		if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(pushPing)) != nil {
			return // the reader notices too
		}
	}
}

// dialSocket connects. Redirects are not followed, as over HTTP.
func (p *provider) dialSocket(ctx context.Context) (*websocket.Conn, error) {
	u, err := url.Parse(p.ws)
	if err != nil {
		return nil, &providerError{outcome: Unreachable, text: "its URL cannot be used"}
	}
	header := http.Header{}
	if u.User != nil { // the library takes none within a URL
		password, _ := u.User.Password()
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
		u.User = nil
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: p.timeout}
	conn, answer, err := dialer.DialContext(ctx, u.String(), header)
	if answer != nil && answer.Body != nil {
		defer answer.Body.Close()
	}
	if err != nil {
		return nil, p.socketError(ctx, err)
	}
	return conn, nil
}

// socketError puts the end of a connection into words of our own.
func (p *provider) socketError(ctx context.Context, err error) error {
	var closed *websocket.CloseError
	switch {
	case ctx.Err() != nil:
		return &providerError{outcome: Canceled, text: "was not awaited", cause: ctx.Err()}
	case errors.Is(err, websocket.ErrBadHandshake):
		return &providerError{outcome: BadStatus, text: "serves no WebSocket there"}
	case errors.Is(err, websocket.ErrReadLimit):
		return &providerError{outcome: TooLarge, text: "sent more than 1 MiB at once"}
	case errors.As(err, &closed):
		return &providerError{outcome: Unreachable, text: "closed the connection"}
	}
	return p.transportError(ctx, err)
}

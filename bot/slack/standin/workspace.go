package standin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say what the workspace is like.
type Options struct {
	Team          string
	BotToken      string // xoxb-…
	AppToken      string // xapp-…
	SigningSecret string
	Channels      []string
	Private       []string            // those of Channels that are private
	Scopes        []string            // of the bot token; nil grants everything
	Groups        map[string][]string // user group → users
	Endpoint      string              // the app's address for signed requests, without /slack/…; "" delivers over the socket
	// Blocks judges blocks before they are taken, besides the caps that are checked anyway; an error is told as invalid_blocks.
	Blocks func(blocks []byte) error
	// View judges forms in the same way; an error is told as invalid_arguments.
	View        func(view []byte) error
	TriggerLife time.Duration // default 3 s, as Slack's
	Formless    bool          // nobody here has a client that shows forms, so that none can be opened
	Ping        time.Duration // between pings of a socket; default 5 s, Slack's are as frequent
}

// Message is what stands in a channel, or was told to one person.
type Message struct {
	Channel  string
	TS       string
	Thread   string // the parent's TS, for a reply
	To       string // the one person who sees it; "" for everyone
	Text     string
	Blocks   json.RawMessage
	Metadata json.RawMessage
	Edits    int
}

// Workspace is the running stand-in. It locks itself.
type Workspace struct {
	o      Options
	server *http.Server
	listen net.Listener
	serve  sync.WaitGroup
	web    *http.Client

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at every change
	messages  []*Message
	clock     int64
	responses map[string]*response
	triggers  map[string]*trigger
	views     []*View
	faults    map[string][]Fault
	tickets   map[string]bool
	sockets   []*socket
	dials     int
	problems  []string
	stopped   context.Context //nolint:containedctx // lives as long as the workspace
	stop      context.CancelFunc
}

// Fault is how one call of a method fails.
type Fault struct {
	Status     int    // HTTP status; 0 is 200 with Error
	Error      string // Slack's code
	RetryAfter int    // seconds
	After      bool   // the call is done, and only its answer is lost
}

// response is a response address.
type response struct {
	user, channel string
	uses          int
	until         time.Time
	original      string // TS of the private message whose button was pressed
}

// Start opens the workspace on a loopback port.
func Start(o Options) (*Workspace, error) {
	listen, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the workspace: %w", err)
	}
	if o.Ping == 0 {
		o.Ping = 5 * time.Second
	}
	w := &Workspace{o: o, listen: listen, changed: make(chan struct{}), clock: time.Now().Unix(), web: &http.Client{Transport: &http.Transport{}},
		responses: map[string]*response{}, triggers: map[string]*trigger{}, faults: map[string][]Fault{}, tickets: map[string]bool{}}
	w.stopped, w.stop = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/{method}", w.serveMethod)
	mux.HandleFunc("POST /response/{token}", w.serveResponse)
	mux.HandleFunc("GET /link", w.serveSocket)
	w.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	w.serve.Go(func() { _ = w.server.Serve(listen) })
	return w, nil
}

// Close ends everything that the workspace runs.
func (w *Workspace) Close() {
	w.stop()
	for _, s := range w.open() {
		s.close()
	}
	_ = w.server.Close()
	w.web.CloseIdleConnections()
	w.serve.Wait()
}

func (w *Workspace) origin() string { return "http://" + w.listen.Addr().String() }

// URL is the address for api_url.
func (w *Workspace) URL() string { return w.origin() + "/api/" }

// Break makes the next call of a method fail.
func (w *Workspace) Break(method string, f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[method] = append(w.faults[method], f)
}

func (w *Workspace) fault(method string) (Fault, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.faults[method]) == 0 {
		return Fault{}, false
	}
	f := w.faults[method][0]
	w.faults[method] = w.faults[method][1:]
	return f, true
}

// Messages gives a channel's messages that are no replies and no private ones, oldest first.
func (w *Workspace) Messages(channel string) []Message {
	return w.find(func(m *Message) bool { return m.Channel == channel && m.Thread == "" && m.To == "" })
}

// Thread gives the replies to a message.
func (w *Workspace) Thread(channel, ts string) []Message {
	return w.find(func(m *Message) bool { return m.Channel == channel && m.Thread == ts })
}

// Private gives what only this person was told.
func (w *Workspace) Private(user string) []Message {
	return w.find(func(m *Message) bool { return m.To == user })
}

// Delete takes a message away, as its people may.
func (w *Workspace) Delete(ts string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = slices.DeleteFunc(w.messages, func(m *Message) bool { return m.TS == ts })
}

// Problems lists what the app did that the vendor would have refused or dropped.
func (w *Workspace) Problems() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.problems)
}

// Expire ends every response address, as half an hour would.
func (w *Workspace) Expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.responses {
		r.until = time.Time{}
	}
}

// Await waits until what it is asked for is true, looking again after every change.
func (w *Workspace) Await(ctx context.Context, is func() bool) error {
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if is() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the workspace: %w", ctx.Err())
		case <-changed:
		}
	}
}

func (w *Workspace) find(is func(*Message) bool) (found []Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages {
		if is(m) {
			found = append(found, *m)
		}
	}
	return found
}

// note tells whoever waits. The caller holds mu.
func (w *Workspace) note() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *Workspace) problem(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
	w.note()
}

// add puts a message down and gives its time stamp. The caller holds mu.
func (w *Workspace) add(m Message) string {
	w.clock++
	m.TS = fmt.Sprintf("%d.%06d", w.clock, len(w.messages)%1_000_000)
	w.messages = append(w.messages, &m)
	w.note()
	return m.TS
}

// Button finds a message's button by its label.
func (m Message) Button(label string) (Button, error) {
	var blocks []struct {
		Type     string            `json:"type"`
		Elements []json.RawMessage `json:"elements"`
	}
	if err := json.Unmarshal(m.Blocks, &blocks); err != nil {
		return Button{}, fmt.Errorf("read blocks: %w", err)
	}
	for _, b := range blocks {
		for _, raw := range b.Elements {
			var e Button
			if b.Type == "actions" && json.Unmarshal(raw, &e) == nil && e.Type == "button" && strings.EqualFold(e.Text.Text, label) {
				return e, nil
			}
		}
	}
	return Button{}, errors.New("there is no button " + label)
}

// Button is a button as it came.
type Button struct {
	Type     string `json:"type"`
	ActionID string `json:"action_id"`
	Value    string `json:"value"`
	URL      string `json:"url"`
	Text     struct {
		Text string `json:"text"`
	} `json:"text"`
}

// newResponse opens a response address. The caller holds mu.
func (w *Workspace) newResponse(user, channel, original string) string {
	token := rand.Text()
	w.responses[token] = &response{user: user, channel: channel, until: time.Now().Add(30 * time.Minute), original: original}
	return w.origin() + "/response/" + token
}

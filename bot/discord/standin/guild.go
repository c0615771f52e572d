package standin

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what the server is like.
type Options struct {
	ApplicationID string
	GuildID       string
	Token         string // of the bot, without "Bot "
	Channels      []string
	Permissions   uint64 // of the bot; 0 grants everything
	Endpoint      string // the app's address for signed interactions, without /discord/…; "" delivers over the gateway
	// Check judges request bodies by the name of their schema in Discord's OpenAPI; an error is told as 50035.
	Check     func(schema string, body []byte) error
	Heartbeat time.Duration // default 41.25 s, as Discord's
}

// Message is a message as it stands. One with To is an answer that only this person sees.
type Message struct {
	ID         string
	Channel    string
	To         string
	Content    string
	Embeds     []Embed
	Components []Row
	Edits      int
	Body       json.RawMessage // as it was last sent
}

// Embed is the part of an embed that is looked at.
type Embed struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Footer      struct {
		Text string `json:"text"`
	} `json:"footer"`
}

// Row is a row of buttons.
type Row struct {
	Type       int      `json:"type"`
	Components []Button `json:"components"`
}

// Button is a button as it came.
type Button struct {
	Type     int    `json:"type"`
	Style    int    `json:"style"`
	Label    string `json:"label"`
	CustomID string `json:"custom_id"`
	URL      string `json:"url"`
}

// Text is everything of a message that a person reads.
func (m Message) Text() string {
	parts := []string{m.Content}
	for _, e := range m.Embeds {
		parts = append(parts, e.Title, e.Description, e.Footer.Text)
	}
	return strings.Join(parts, "\n")
}

// Button finds a button by its label.
func (m Message) Button(label string) (Button, error) {
	for _, r := range m.Components {
		for _, b := range r.Components {
			if strings.EqualFold(b.Label, label) {
				return b, nil
			}
		}
	}
	return Button{}, fmt.Errorf("there is no button %q", label)
}

// Fault is how one call of a route fails.
type Fault struct {
	Status     int
	Code       int     // Discord's
	RetryAfter float64 // seconds, for 429
	Global     bool
	After      bool // the call is done, and only its answer is lost
}

// Guild is the running stand-in. It locks itself.
type Guild struct {
	o      Options
	key    ed25519.PrivateKey
	server *http.Server
	listen net.Listener
	serve  sync.WaitGroup
	web    *http.Client

	mu           sync.Mutex
	changed      chan struct{} // closed and replaced at every change
	lastID       uint64
	messages     []*Message
	nonces       map[string]string // nonce → message
	threads      map[string]string // thread → name
	commands     json.RawMessage
	overwrites   int
	interactions map[string]*interaction // by token
	forms        []Form
	faults       map[string][]Fault
	problems     []string
	sockets      []*socket
	sessions     map[string]*session
	identifies   int
	resumes      int
	mute         bool // heartbeats stay unanswered
	silent       int  // identifies that get no READY
}

// Start opens the server on a loopback port.
func Start(o Options) (*Guild, error) {
	listen, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the server: %w", err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the application's key: %w", err)
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 41250 * time.Millisecond
	}
	if o.Check == nil {
		o.Check = func(string, []byte) error { return nil }
	}
	g := &Guild{o: o, key: key, listen: listen, changed: make(chan struct{}), web: &http.Client{Transport: &http.Transport{}}, commands: json.RawMessage("[]"),
		nonces: map[string]string{}, threads: map[string]string{}, interactions: map[string]*interaction{}, faults: map[string][]Fault{}, sessions: map[string]*session{}}
	g.server = &http.Server{Handler: g.routes(), ReadHeaderTimeout: 5 * time.Second}
	g.serve.Go(func() { _ = g.server.Serve(listen) })
	return g, nil
}

// Close ends everything that the server runs.
func (g *Guild) Close() {
	for _, s := range g.open() {
		_ = s.conn.Close()
	}
	_ = g.server.Close()
	g.web.CloseIdleConnections()
	g.serve.Wait()
}

// URL is the address for api_url.
func (g *Guild) URL() string { return "http://" + g.listen.Addr().String() }

// PublicKey is the application's, in hex.
func (g *Guild) PublicKey() string { return hex.EncodeToString(g.key.Public().(ed25519.PublicKey)) }

// Break makes the next call of a route fail; a route is written as in problems: "POST channels/messages".
func (g *Guild) Break(route string, f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults[route] = append(g.faults[route], f)
}

func (g *Guild) fault(route string) (Fault, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.faults[route]) == 0 {
		return Fault{}, false
	}
	f := g.faults[route][0]
	g.faults[route] = g.faults[route][1:]
	return f, true
}

// Messages gives what stands in a channel or thread, oldest first.
func (g *Guild) Messages(channel string) []Message {
	return g.find(func(m *Message) bool { return m.Channel == channel && m.To == "" })
}

// Private gives the answers that only this person sees.
func (g *Guild) Private(user string) []Message {
	return g.find(func(m *Message) bool { return m.To == user })
}

func (g *Guild) find(is func(*Message) bool) (found []Message) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.messages {
		if is(m) {
			found = append(found, *m)
		}
	}
	return found
}

// Thread gives a thread's name, "" if there is none.
func (g *Guild) Thread(id string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.threads[id]
}

// Delete takes a message away, as its people may. Its thread stays, as in Discord.
func (g *Guild) Delete(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.messages = slices.DeleteFunc(g.messages, func(m *Message) bool { return m.ID == id })
}

// Commands gives what is registered, and how often it was overwritten.
func (g *Guild) Commands() (json.RawMessage, int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.commands, g.overwrites
}

// Problems lists what the app did that the vendor would have refused.
func (g *Guild) Problems() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.problems)
}

// Await waits until what it is asked for is true, looking again after every change.
func (g *Guild) Await(ctx context.Context, is func() bool) error {
	for {
		g.mu.Lock()
		changed := g.changed
		g.mu.Unlock()
		if is() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w", ctx.Err())
		case <-changed:
		}
	}
}

// note tells whoever waits. The caller holds mu.
func (g *Guild) note() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// discordEpoch is the first millisecond of Discord's ids.
const discordEpoch = 1420070400000

// id makes an id as Discord does. The caller holds mu.
func (g *Guild) id() string {
	now := uint64(time.Now().UnixMilli()-discordEpoch) << 22 //nolint:gosec // after 2015
	g.lastID = max(g.lastID+1, now)
	return strconv.FormatUint(g.lastID, 10)
}

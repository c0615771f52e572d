package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"belay/safe"
)

const (
	defaultTimeout = 5 * time.Second
	finalityDepth  = 64 // blocks below head that stand in for the finalized tag: two epochs of Ethereum
)

// Provider is one JSON-RPC endpoint. The URL holds a key and is never shown; people know the provider by its name.
type Provider struct {
	Name string
	URL  string `json:"-"` // http or https
	WS   string `json:"-"` // ws or wss, where new heads are pushed; "" where none are. As secret as URL
}

// String hides the URL.
func (p Provider) String() string { return p.Name }

// GoString hides the URL from %#v too.
func (p Provider) GoString() string { return fmt.Sprintf("chain.Provider{Name:%q}", p.Name) }

// LogValue hides the URL from logs.
func (p Provider) LogValue() slog.Value { return slog.StringValue(p.Name) }

// Config describes one chain and who is asked about it.
type Config struct {
	Name      string
	ChainID   uint64
	Providers []Provider
	// Private endpoints take transactions to block builders past the public pools. They are sent to and never asked anything.
	Private []Provider
	// Legacy is for a chain without a base fee: the price of gas is asked for instead of a tip.
	Legacy bool
	// PublicOnly leaves the private endpoints out.
	PublicOnly bool

	// Agreement is how many providers must say the same before a value counts. 0 means max(2, ⌈2n/3⌉), or 1 where there is
	// only one provider.
	Agreement int
	// Confirmations is head − inclusion + 1 at which a block counts as final for [Client.Final]; 0 means 1: mined.
	Confirmations int
	// Finalized makes [Client.Final] wait for the chain's own finality instead.
	Finalized bool
	// Timeout bounds one exchange with one provider; 0 means 5 s.
	Timeout time.Duration
	// ProofWait is how long an agreed reading waits for the first proof; 0 means 0.3 s.
	ProofWait time.Duration

	Logger     *slog.Logger // nil is silent
	HTTPClient *http.Client // nil is one of our own. Redirects are never followed
	// Explain says in words why something reverted; nil is safe.Explain. It must take any bytes.
	Explain func(revertData []byte) string
	// OnCall is told of every exchange: the provider's name, the method (of a batch its first), the outcome, and how long it
	// took. It is called from many goroutines and must return at once.
	OnCall func(provider, method string, outcome Outcome, took time.Duration)
}

// Validate says what is wrong with a configuration, without naming a URL.
func (c Config) Validate() error {
	if c.ChainID == 0 {
		return errors.New("chain id is missing")
	}
	if len(c.Providers) == 0 {
		return errors.New("no provider is configured")
	}
	if c.Agreement < 0 || c.Agreement > len(c.Providers) {
		return fmt.Errorf("agreement of %d cannot be reached with %d providers", c.Agreement, len(c.Providers))
	}
	if c.Confirmations < 0 || c.Timeout < 0 || c.ProofWait < 0 {
		return errors.New("confirmations and timeouts cannot be negative")
	}
	names := map[string]bool{}
	for i, p := range slices.Concat(c.Providers, c.Private) {
		if p.Name == "" {
			return fmt.Errorf("provider %d has no name", i+1)
		}
		if names[p.Name] {
			return fmt.Errorf("two providers are called %q", p.Name)
		}
		names[p.Name] = true
		if u, err := url.Parse(p.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("URL of provider %q is not an http or https address", p.Name)
		}
		if u, err := url.Parse(p.WS); p.WS != "" && (err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "") {
			return fmt.Errorf("WebSocket URL of provider %q is not a ws or wss address", p.Name)
		}
	}
	return nil
}

func (c Config) agreement() int {
	n := len(c.Providers)
	switch {
	case c.Agreement > 0:
		return c.Agreement
	case n == 1:
		return 1
	default:
		return max(2, (2*n+2)/3)
	}
}

// Client reads from and sends to one chain through several providers. It is safe for concurrent use.
type Client struct {
	cfg       Config
	agreement int
	providers []*provider
	private   []*provider // sent to, never asked
	log       *slog.Logger

	life context.Context //nolint:containedctx // ends with Close; the parent of every exchange, so that a slow provider may still be judged
	end  context.CancelFunc

	mu     sync.RWMutex // guards closed against a goroutine that starts while Close waits
	closed bool
	wg     sync.WaitGroup

	recent  recentHead
	proven  provenCode
	memory  memory
	layouts layouts

	disprovedAt atomic.Int64 // when it was last told that a proof contradicts the providers, in nanoseconds since the epoch
}

// Dial validates the configuration and begins to ask the providers for their chain id. It returns as soon as enough of
// them answered the right one, or all answered or gave up. It does not fail because providers are down: [Client.Health]
// tells, and they are asked again when they are needed.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("dial chain %q: %w", cfg.Name, err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Confirmations == 0 {
		cfg.Confirmations = 1
	}
	if cfg.ProofWait == 0 {
		cfg.ProofWait = proofGrace
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Explain == nil {
		cfg.Explain = safe.Explain
	}
	c := &Client{cfg: cfg, agreement: cfg.agreement(), log: cfg.Logger}
	c.life, c.end = context.WithCancel(context.WithoutCancel(ctx))
	transport := httpClient(cfg.HTTPClient)
	for _, p := range cfg.Providers {
		made, err := newProvider(cfg, p, transport)
		if err != nil {
			c.end()
			return nil, fmt.Errorf("dial chain %q: %w", cfg.Name, err)
		}
		c.providers = append(c.providers, made)
	}
	if err := c.dialPrivate(transport); err != nil {
		c.end()
		return nil, fmt.Errorf("dial chain %q: %w", cfg.Name, err)
	}
	_, err := agreed(ctx, c, "ask chain id", func(ctx context.Context, p *provider) (uint64, error) {
		return cfg.ChainID, p.ready(ctx)
	}, func(uint64) string { return "" })
	if ctx.Err() != nil {
		c.Close()
		return nil, fmt.Errorf("dial chain %q: %w", cfg.Name, ctx.Err())
	}
	if err != nil {
		c.log.WarnContext(ctx, "chain has too few providers", "chain", cfg.Name, "error", err)
	}
	return c, nil
}

// httpClient copies the given client, or makes one, so that redirects are answers and not followed: a redirect would take
// a signed transaction, or a key in a path, to a host that nobody configured.
func httpClient(given *http.Client) *http.Client {
	c := &http.Client{}
	if given != nil {
		*c = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		own := t.Clone()
		own.MaxIdleConnsPerHost = maxInFlight
		own.DisableCompression = true // answers are small, and unpacking them costs more than they save on the way
		c.Transport = own
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Close ends every exchange that is still under way and waits for it. Calls after it fail with [ErrClosed].
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.wg.Wait()
	if c.cfg.HTTPClient == nil {
		for _, p := range c.providers {
			p.http.CloseIdleConnections()
		}
	}
}

// start runs f in a goroutine that Close waits for, or not at all once the client is closed.
func (c *Client) start(f func()) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return ErrClosed
	}
	c.wg.Go(f)
	return nil
}

// Name is the configured name of the chain.
func (c *Client) Name() string { return c.cfg.Name }

// ChainID is the configured chain id.
func (c *Client) ChainID() uint64 { return c.cfg.ChainID }

// Agreement is how many providers must say the same.
func (c *Client) Agreement() int { return c.agreement }

// Corroborated reports whether a reading needs more than one provider's word. Where it does not, people are told that
// values are unverified.
func (c *Client) Corroborated() bool { return c.agreement > 1 }

// Final reports whether a block that includes something is deep enough, seen from head, to be told as done: at the
// configured number of confirmations, or finalized. It asks the chain only for finality. The caller must know the block to
// be canonical at that moment, as [Client.Receipt] does.
func (c *Client) Final(ctx context.Context, head, included safe.Block) (bool, error) {
	if !c.cfg.Finalized {
		depth := uint64(c.cfg.Confirmations) //nolint:gosec // Validate refuses negative ones
		return included.Number <= head.Number && head.Number-included.Number+1 >= depth, nil
	}
	final, err := c.Finalized(ctx)
	if err != nil {
		return false, err
	}
	return included.Number <= final.Number, nil
}

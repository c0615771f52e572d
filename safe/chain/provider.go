package chain

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

const (
	maxInFlight   = 32               // exchanges with one provider at a time; the rest wait within their timeout
	wrongChainFor = 10 * time.Second // how long a provider on another chain is left alone before it is asked again
)

// provider is one endpoint: how to talk to it, and what is known of it.
type provider struct {
	name    string
	url     string
	ws      string // "" for none
	chainID uint64 // the right one
	timeout time.Duration
	legacy  bool // the chain takes transactions of type 0 alone
	http    *http.Client
	secrets *strings.Replacer
	onCall  func(provider, method string, outcome Outcome, took time.Duration)
	words   func(revertData []byte) string // why something reverted

	ids   atomic.Uint64
	slots chan struct{} // one for each exchange in flight
	check chan struct{} // held by the one who asks for the chain id

	proofs     ability // to prove state
	aggregates ability // to run code of ours, which answers many reads
	traces     ability // to tell what a transaction changes

	mu      sync.Mutex // guards what follows
	chain   verdict
	wrong   *providerError // set with wrongChain
	checked time.Time      // when chain was last set
	failure error          // of the last exchange; nil when it succeeded
	asked   bool           // at least one exchange ended
	head    uint64         // newest block it told of
	headAt  uint64         // that block's chain time, seconds
	fees    *safe.Fees     // it suggested with that block
	dissent string         // the last reading about which it said otherwise than those who agreed
	said    time.Time      // when that was; zero: never
}

// verdict is what is known of a provider's chain id.
type verdict uint8

const (
	chainUnknown verdict = iota
	chainRight
	chainWrong
)

func newProvider(cfg Config, p Provider, client *http.Client) (*provider, error) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, fmt.Errorf("URL of provider %q cannot be read", p.Name) // the cause quotes the URL
	}
	socket, err := url.Parse(p.WS)
	if err != nil {
		return nil, fmt.Errorf("WebSocket URL of provider %q cannot be read", p.Name)
	}
	return &provider{
		name: p.Name, url: p.URL, ws: p.WS, chainID: cfg.ChainID, timeout: cfg.Timeout, legacy: cfg.Legacy, http: client,
		secrets: secretsOf(u, socket), onCall: cfg.OnCall, words: cfg.Explain,
		slots: make(chan struct{}, maxInFlight), check: make(chan struct{}, 1),
	}, nil
}

func (p *provider) observe(method string, outcome Outcome, took time.Duration) {
	if p.onCall != nil {
		p.onCall(p.name, method, outcome, took)
	}
}

func (p *provider) remember(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure, p.asked = err, true
}

// answers reports whether its last exchange succeeded, or there was none yet.
func (p *provider) answers() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure == nil
}

// answering are the providers that are worth waiting for.
func (c *Client) answering() map[*provider]bool {
	worth := map[*provider]bool{}
	for _, p := range c.providers {
		if p.answers() {
			worth[p] = true
		}
	}
	return worth
}

func (p *provider) rememberDissent(reading string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dissent, p.said = reading, time.Now()
}

func (p *provider) rememberHead(s sighting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.head, p.headAt = s.Number, s.Time
	if s.fees != nil {
		p.fees = s.fees
	}
}

// priced reports whether it ever told what a block costs.
func (p *provider) priced() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fees != nil
}

// ready makes sure that the provider is on the right chain before anything it says is believed or anything is sent to it.
func (p *provider) ready(ctx context.Context) error {
	if known, err := p.knownChain(); known {
		return err
	}
	select {
	case p.check <- struct{}{}:
		defer func() { <-p.check }()
	case <-ctx.Done():
		return p.transportError(ctx, ctx.Err())
	}
	if known, err := p.knownChain(); known { // settled while we waited for our turn
		return err
	}
	answers, err := p.call(ctx, request{method: "eth_chainId", params: []any{}})
	if err != nil {
		return err
	}
	return p.judgeChain(answers[0])
}

func (p *provider) knownChain() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.chain == chainRight:
		return true, nil
	case p.chain == chainWrong && time.Since(p.checked) < wrongChainFor:
		return true, p.wrong
	default:
		return false, nil
	}
}

// judgeChain reads an answer to eth_chainId and remembers the verdict. A refusal changes no verdict.
func (p *provider) judgeChain(r response) error {
	var id hexutil.Uint64
	if err := r.decode(&id); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checked = time.Now()
	if uint64(id) == p.chainID {
		p.chain, p.wrong = chainRight, nil
		return nil
	}
	p.chain = chainWrong
	p.wrong = &providerError{outcome: WrongChain, text: fmt.Sprintf("is on chain %d, not %d", uint64(id), p.chainID)}
	return p.wrong
}

package chain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// privateTimeout bounds one exchange with a private endpoint. It is short, because where none of them takes the bytes, the public pools
// are waiting.
const privateTimeout = 3 * time.Second

// ErrNoPrivate says that no private endpoint may be sent to.
var ErrNoPrivate = errors.New("no private endpoint is configured")

// dialPrivate makes the private endpoints. They answer little besides what is sent to them, so that not even their chain id is asked for:
// the signed bytes name their chain.
func (c *Client) dialPrivate(transport *http.Client) error {
	cfg := c.cfg
	cfg.Timeout = min(cfg.Timeout, privateTimeout)
	for _, p := range cfg.Private {
		made, err := newProvider(cfg, p, transport)
		if err != nil {
			return err
		}
		made.chain = chainRight
		c.private = append(c.private, made)
	}
	return nil
}

// BroadcastPrivately sends signed bytes to the private endpoints alone; see [Client.Broadcast]. Without any it is [ErrNoPrivate]. When it
// fails, send them to everyone: an endpoint that is down must hold nothing up.
func (c *Client) BroadcastPrivately(ctx context.Context, raw []byte) error {
	if c.cfg.PublicOnly || len(c.private) == 0 {
		return fmt.Errorf("broadcast privately: %w", ErrNoPrivate)
	}
	return c.send(ctx, c.private, raw)
}

package chain

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// AskChainID asks one provider which chain it is on, for when nobody knows yet. It is that provider's word and no more: dial a
// [Client] for that chain to have it compared.
func AskChainID(ctx context.Context, of Provider) (uint64, error) {
	cfg := Config{ChainID: 1, Providers: []Provider{of}, Timeout: defaultTimeout, Explain: safe.Explain} // any chain id: it is not judged
	if err := cfg.Validate(); err != nil {
		return 0, fmt.Errorf("ask chain id: %w", err)
	}
	p, err := newProvider(cfg, of, httpClient(nil))
	if err != nil {
		return 0, fmt.Errorf("ask chain id: %w", err)
	}
	defer p.http.CloseIdleConnections()
	answers, err := p.call(ctx, request{method: "eth_chainId", params: []any{}})
	if err != nil {
		return 0, fmt.Errorf("ask chain id: provider %s %w", of.Name, err)
	}
	var id hexutil.Uint64
	if err := answers[0].decode(&id); err != nil {
		return 0, fmt.Errorf("ask chain id: provider %s %w", of.Name, err)
	}
	if id == 0 {
		return 0, fmt.Errorf("ask chain id: provider %s answered 0, which is no chain", of.Name)
	}
	return uint64(id), nil
}

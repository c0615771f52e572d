package devnet_test

import (
	"context"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/ethclient"

	"belay/safe/devnet"
)

func TestAnvilStartsAndIsGoneAfterStop(t *testing.T) {
	ctx := testContext(t)
	url, stop, err := devnet.StartAnvil(ctx, "--chain-id", "777")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	client := must[*ethclient.Client](t)(ethclient.DialContext(ctx, url))
	defer client.Close()
	if id := must[*big.Int](t)(client.ChainID(ctx)); id.Int64() != 777 {
		t.Errorf("chain id is %s, want 777", id)
	}
	stop()
	if _, err := client.BlockNumber(ctx); err == nil {
		t.Error("anvil still answers after stop")
	}
	stop() // again is harmless
}

func TestAnvilThatCannotStartSaysWhy(t *testing.T) {
	if _, _, err := devnet.StartAnvil(testContext(t), "--no-such-flag"); err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("answered %v, want anvil's own words", err)
	}
}

func TestAnvilEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	url, stop, err := devnet.StartAnvil(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	stop()
	client := must[*ethclient.Client](t)(ethclient.Dial(url))
	defer client.Close()
	if _, err := client.BlockNumber(t.Context()); err == nil {
		t.Error("anvil outlived its context")
	}
}

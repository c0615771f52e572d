package devnet_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"go.uber.org/goleak"

	"belay/safe/devnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, lingering()...) }

func lingering() []goleak.Option {
	var ignored []goleak.Option
	for _, name := range devnet.Lingering() {
		ignored = append(ignored, goleak.IgnoreAnyFunction(name))
	}
	return ignored
}

// start runs a chain for one test. A failure to make a block fails the test.
func start(t *testing.T, cfg devnet.Config) *devnet.Chain {
	t.Helper()
	c, err := devnet.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Err(); err != nil {
			t.Errorf("chain broke: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// stranger is an address that nothing else uses.
func stranger(seed string) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte(seed)))
}

func wei(n int64) *big.Int { return big.NewInt(n) }

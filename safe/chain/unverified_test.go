package chain

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
	"belay/safe/devnet"
)

func TestAnyoneAnswersForASafeWhenNobodyAgrees(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	nodes := s.nodes(3)
	c := dial(t, nil, nodes...)
	nodes[0].breaks(isDown)
	nodes[2].breaks(hangs)
	began := time.Now()
	state := must[safe.State](t)(c.AnySafeState(ctx, s.Guardian))
	if state.Threshold != 2 || len(state.Owners) != 3 || state.Verified != safe.VerifiedByProvider {
		t.Errorf("state is %+v, want the Safe, unverified", state)
	}
	if took := time.Since(began); took > defaultTimeout {
		t.Errorf("took %s, as long as the provider that hangs", took)
	}
	nodes[1].breaks(isDown)
	nodes[2].breaks(isDown)
	_, err := c.AnySafeState(ctx, s.Guardian)
	wants(t, err, ErrNoAgreement, "own could not be reached")
}

func TestTheBatchLibraryIsThatOfTheSafesVersionWherePublished(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	n := s.nodes(1)[0]
	c := dial(t, nil, n)
	head, _, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for version, library := range map[safe.Version]string{safe.V1_3_0: "1.3.0", safe.V1_4_1: "1.4.1", safe.V1_5_0: "1.5.0", safe.V1_1_1: "1.5.0"} {
		want := must[devnet.SafeRelease](t)(devnet.Release(library)).MultiSendCallOnly
		if got := must[common.Address](t)(c.MultiSendCallOnly(ctx, head, version)); got != want {
			t.Errorf("a Safe %s batches with %s, want that of %s", version, got, library)
		}
	}
	n.says("eth_getCode", always("0x60006000"))
	s.Chain.Seal() // what was read at a block is remembered
	head, _, err = c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.MultiSendCallOnly(ctx, head, safe.V1_4_1); err == nil {
		t.Error("code that nobody published was taken for a batch library")
	}
}

package chain

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// seated is a client of one provider that proved something before, so that the next proof goes along with its reading.
type seated struct {
	*Client
	*provenChain
	t    *testing.T
	node *node
	seen outcomes
}

func newSeated(t *testing.T) *seated {
	p := newProvenChain(t, map[common.Address]types.StateAccount{guardian: {CodeHash: crypto.Keccak256([]byte{1})}})
	p.code = []byte{1}
	s := &seated{provenChain: p, t: t, node: newNode(p)}
	s.Client = dial(t, s.seen.observe, s.node)
	if first := s.exchanges(); first != 2 {
		t.Fatalf("the first reading and its proof took %d exchanges", first)
	}
	return s
}

// exchanges reads the code at a new block, and says in how many exchanges that and its proof came; the reading must be right.
func (s *seated) exchanges() int {
	s.t.Helper()
	s.seen.mu.Lock()
	s.seen.all = nil
	s.seen.mu.Unlock()
	if hash := must[[]common.Hash](s.t)(s.CodeHashes(s.t.Context(), s.grow(), guardian))[0]; hash != crypto.Keccak256Hash([]byte{1}) {
		s.t.Errorf("the code hashes to %s", hash)
	}
	synctest.Wait()
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return len(s.seen.all)
}

func (s *seated) isProven() bool {
	_, known := s.memory.proven(s.last, claim{account: guardian, ofCode: true})
	return known
}

func TestAReadingAndItsProofAreOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeated(t)
		if n := s.exchanges(); n != 1 || !s.isProven() {
			t.Errorf("%d exchanges, proven: %t", n, s.isProven())
		}
		code := s.node.count("eth_getCode")
		if _, err := s.CodeHashes(t.Context(), s.last, guardian); err != nil || s.node.count("eth_getCode") != code {
			t.Errorf("the same again was asked for: %v", err)
		}
	})
}

// TestAProofThatHoldsUpItsReadingGoesAlone: the reading has the moment that it would wait for a proof anyway, and waits no second time.
func TestAProofThatHoldsUpItsReadingGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeated(t)
		s.node.says("eth_getProof", sleepy(2*time.Second))
		began := time.Now()
		s.exchanges()
		if took := time.Since(began); took > 2*proofGrace { // once for the reading, once for the proof that is still to come
			t.Errorf("the reading took %s", took)
		}
		time.Sleep(5 * time.Second)
		if !s.isProven() {
			t.Error("the proof that came late is not known")
		}
		s.node.says("eth_getProof", nil)
		for _, row := range []struct {
			after time.Duration
			want  int
		}{{0, 2}, {restFailed, 1}} {
			time.Sleep(row.after)
			if n := s.exchanges(); n != row.want || !s.isProven() {
				t.Errorf("after %s: %d exchanges, proven: %t", row.after, n, s.isProven())
			}
		}
	})
}

// TestAProofThatSpoilsItsReadingGoesAlone: some gateways let only certain methods through, and refuse a whole body for one.
func TestAProofThatSpoilsItsReadingGoesAlone(t *testing.T) {
	for name, answer := range map[string]*http.Response{
		"a status": respond(http.StatusForbidden, "no"),
		"a page":   respond(http.StatusOK, "<html>no</html>"),
		"an error": respondJSON(map[string]any{"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": -32601, "message": "not available"}}),
		"half":     respond(http.StatusOK, "[]"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSeated(t)
				s.node.breaks(func(r *http.Request) (*http.Response, error) {
					body := must[[]byte](t)(io.ReadAll(r.Body))
					if bytes.Contains(body, []byte("eth_getCode")) && bytes.Contains(body, []byte("eth_getProof")) {
						return answer, nil
					}
					r.Body = io.NopCloser(bytes.NewReader(body))
					return newNode(s.provenChain).RoundTrip(r)
				})
				began := time.Now()
				if s.exchanges(); time.Since(began) > proofGrace {
					t.Errorf("it took %s", time.Since(began))
				}
				if n := s.exchanges(); n != 2 || !s.isProven() {
					t.Errorf("then %d exchanges, proven: %t", n, s.isProven())
				}
			})
		})
	}
}

// TestAFalseProofGoesAloneAndProvesNothing: the reading that it came with stands, as it would with none.
func TestAFalseProofGoesAloneAndProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeated(t)
		s.node.says("eth_getProof", always(map[string]any{"accountProof": []any{"0xc0"}, "storageProof": []any{}}))
		if s.exchanges(); s.isProven() {
			t.Error("proven by nothing")
		}
		if p := s.Client.providers[0]; p.proofs.goesAlong(time.Now()) {
			t.Error("it goes along again at once")
		}
	})
}

// TestAReadingWithoutRoomLeavesTheProofsBehind: they go by themselves at once.
func TestAReadingWithoutRoomLeavesTheProofsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeated(t)
		many := slices.Repeat([]common.Address{guardian}, maxBatch)
		s.Client.providers[0].aggregates.rest(time.Now().Add(time.Hour))
		began := time.Now()
		if _, err := s.CodeHashes(t.Context(), s.grow(), many...); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 0 || !s.isProven() {
			t.Errorf("it took %s, proven: %t", took, s.isProven())
		}
	})
}

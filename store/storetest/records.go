package storetest

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Day is when the tests take place.
var Day = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)

// HashOf makes a hash that is easy to tell from others.
func HashOf(format string, args ...any) common.Hash {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

func idOf(n uint64) string { return fmt.Sprintf("P-%d", n) }

// Proposing is the Record of a new proposal, as the coordinator writes one.
func Proposing(n uint64) governance.Record {
	id := idOf(n)
	p := governance.Proposal{ID: id, Version: 1, State: governance.StateProposed, Kind: governance.KindPause, Title: "Pause a reserve",
		Params: map[string]string{"asset": "usdc"}, Proposer: "alice", CreatedAt: Day, ExpiresAt: Day.Add(24 * time.Hour),
		Safe:    governance.SafeRef{Name: "guardian", Chain: "ethereum", ChainID: 1, Version: safe.V1_4_1},
		SafeTxs: []governance.SafeTx{{Purpose: governance.PurposeDirect, State: governance.TxAsking, Hashes: safe.Hashes{SafeTx: HashOf("safe tx of %s", id)}}}}
	return governance.Record{Proposal: id, State: &p,
		Events: []governance.Event{{Type: governance.EventProposed, At: Day, By: "alice", Text: "oracle off by 9 %"}},
		Add:    []governance.Duty{{ID: id + "/000001/card/slack", Kind: governance.DutyCard, Proposal: id, Version: 1, Target: "slack", Due: Day}}}
}

// After is the Record of one more event on a proposal.
func After(p governance.Proposal, e governance.EventType) governance.Record {
	before := p.Version
	p.Version++
	if e == governance.EventExpired {
		p.State = governance.StateExpired
	}
	return governance.Record{Proposal: p.ID, Expect: before, State: &p,
		Events: []governance.Event{{Type: e, At: Day.Add(time.Duration(p.Version) * time.Minute), By: "bob"}}}
}

// Full sets every field of a Record, and every field in them, to something.
func Full(n uint64) governance.Record {
	var r governance.Record
	f := filler{next: int64(n) * 1_000_000}
	f.fill(reflect.ValueOf(&r).Elem())
	r.Proposal, r.Expect, r.Fence = idOf(n), 0, 0
	r.State.ID, r.State.Version = r.Proposal, uint64(len(r.Events))
	for i := range r.Submissions {
		r.Submissions[i].Proposal = r.Proposal
	}
	r.Submissions[0].State = governance.SubmissionAccepted
	for i := range r.Messages {
		r.Messages[i].Proposal = r.Proposal
	}
	return r
}

// filler gives every field a value that occurs once.
type filler struct {
	next  int64
	depth int
}

func (f *filler) number() int64 { f.next++; return f.next }

func (f *filler) fill(v reflect.Value) {
	f.depth++
	defer func() { f.depth-- }()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(Day.Add(time.Duration(f.number()) * time.Second)))
		return
	case safe.Version:
		v.Set(reflect.ValueOf(safe.V1_3_0))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		if f.depth > 14 { // types that hold themselves
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fillAll(v)
	case reflect.Array:
		f.fillAll(v)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default:
		f.fillScalar(v)
	}
}

func (f *filler) fillAll(v reflect.Value) {
	for i := range v.Len() {
		f.fill(v.Index(i))
	}
}

func (f *filler) fillScalar(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("%s %d <&> ü", v.Type().Name(), f.number()))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Uint8:
		v.SetUint(uint64(f.number() % 251)) //nolint:gosec // small
	case v.CanUint():
		v.SetUint(uint64(f.number())) //nolint:gosec // small
	case v.CanInt():
		v.SetInt(f.number())
	default:
		panic("the filler knows no " + v.Type().String())
	}
}

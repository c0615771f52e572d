package store

import (
	"bytes"
	"reflect"
	"sync"

	"belay/governance"
)

// memo remembers which proposals stored bytes decode to: one is read many times between two changes. It gives an answer for the
// very same bytes only, so that nothing in it can be out of date.
//
// What it gives is shared. Nobody changes a proposal that was read: governance.Apply gives a new one. Appending to one of its
// slices does no harm, because none has room to spare.
type memo struct {
	mu    sync.Mutex // guards known
	known map[string]decoded
}

type decoded struct {
	stored   []byte
	proposal governance.Proposal
}

// memoSize bounds how many proposals are remembered; far more than are ever open.
const memoSize = 512

// proposal decodes what is stored under a key.
func (m *memo) proposal(key, stored []byte) (governance.Proposal, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[string(key)]; ok && bytes.Equal(known.stored, stored) {
		return known.proposal, nil
	}
	p, err := decodeProposal(stored)
	if err != nil {
		return p, err
	}
	clip(reflect.ValueOf(&p).Elem())
	if m.known == nil || len(m.known) >= memoSize {
		m.known = map[string]decoded{}
	}
	m.known[string(key)] = decoded{bytes.Clone(stored), p}
	return p, nil
}

// clip takes the room to spare from every slice in v, however deep.
func clip(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			clip(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				clip(v.Field(i))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			v.Set(v.Slice3(0, v.Len(), v.Len()))
		}
		if isByte := v.Type().Elem().Kind() == reflect.Uint8; !isByte {
			for i := range v.Len() {
				clip(v.Index(i))
			}
		}
	}
}

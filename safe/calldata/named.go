package calldata

import (
	"math/big"
	"reflect"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"belay/safe"
)

// named is what the words of one call name: whom, how much, and which kind of power it is known to change.
type named struct {
	to        common.Address
	data      []byte
	value     string // wei
	addresses map[common.Address]bool
	numbers   map[string]bool
	power     string // the danger code of a function that changes who holds power; "" for any other
}

// namedBy lists what the calls of a transaction name, those within them included. Of a DELEGATECALL nothing counts: what its words name is
// not what it does. A veto does not make the calls that it names.
func (b *Book) namedBy(ran Ran) (list []named) {
	var add func(calls []Described)
	add = func(calls []Described) {
		for _, d := range calls {
			if d.Delegate || vetoes[d.Function] {
				continue
			}
			list = append(list, namedIn(d, ran.Safe))
			add(d.Inner)
		}
	}
	add(b.DescribeTx(ran.Tx, ran.Libraries...))
	return list
}

func namedIn(d Described, safeAddress common.Address) named {
	n := named{to: d.To, data: d.Data, value: d.Value.Dec(), addresses: map[common.Address]bool{d.To: true, safeAddress: true}, numbers: map[string]bool{}}
	if d.self {
		n.to = safeAddress
	}
	if !d.Value.IsZero() {
		n.numbers[n.value] = true
	}
	if len(d.Data) >= 4 {
		n.power = rules[[4]byte(d.Data)].Code
	}
	for _, a := range d.Args {
		n.read(reflect.ValueOf(a.Value))
	}
	return n
}

// read takes addresses and numbers out of an argument.
func (n named) read(v reflect.Value) {
	if !v.IsValid() {
		return
	}
	switch x := v.Interface().(type) {
	case common.Address:
		n.addresses[x] = true
		return
	case *big.Int:
		n.numbers[x.String()] = true
		return
	}
	switch v.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n.numbers[new(big.Int).SetUint64(v.Uint()).String()] = true
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return // bytes
		}
		for i := range v.Len() {
			n.read(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n.read(v.Field(i))
		}
	}
}

// moves reports whether the call names who gets how much of what. What a contract gives away of its own when it is called itself need
// not be named, and to destroy names nobody.
func (n named) moves(token, from, to common.Address, amount string) bool {
	whom := n.addresses[to] || to == (common.Address{}) && n.to == token
	what := token == safe.EtherLogs || n.addresses[token] || n.to == from
	return whom && what && n.numbers[amount]
}

// pays reports whether the call pays so much ether.
func (n named) pays(amount *uint256.Int) bool { return n.numbers[amount.Dec()] }

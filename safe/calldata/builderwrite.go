package calldata

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// WriteBatchFile writes calls as a file that the Safe Transaction Builder imports: with their data, and where a function
// is known, with its name and values, so that people can read them there.
func (b *Book) WriteBatchFile(batch BatchFile) ([]byte, error) {
	transactions := make([]any, 0, len(batch.Calls))
	for _, call := range batch.Calls {
		method, values := b.method(call)
		var data any
		if len(call.Data) > 0 {
			data = "0x" + hex.EncodeToString(call.Data)
		}
		transactions = append(transactions, map[string]any{"to": call.To.Hex(), "value": call.Value.Dec(), "data": data, "contractMethod": method, "contractInputsValues": values})
	}
	var from string
	if batch.Safe != (common.Address{}) {
		from = batch.Safe.Hex()
	}
	meta := map[string]any{"name": batch.Name, "description": batch.Description, "txBuilderVersion": "1.18.2", "createdFromSafeAddress": from, "createdFromOwnerAddress": ""}
	top := map[string]any{"version": "1.0", "chainId": strconv.FormatUint(batch.ChainID, 10), "createdAt": json.Number(strconv.FormatInt(batch.CreatedAt.UnixMilli(), 10)),
		"meta": meta, "transactions": transactions}
	meta["checksum"] = batchChecksum(top, nil)
	return json.MarshalIndent(top, "", "  ")
}

// method is a call's function with its values as the Transaction Builder writes them; nulls for what is not known.
func (b *Book) method(call safe.Call) (method, values any) {
	if len(call.Data) < 4 {
		return nil, nil
	}
	f, ok := b.Function(call.To, [4]byte(call.Data))
	if !ok {
		return nil, nil
	}
	args, err := f.DecodeInput(call.Data)
	if err != nil {
		return nil, nil //nolint:nilerr // the data stand for themselves
	}
	inputs, byName := make([]any, len(args)), map[string]any{}
	for i, in := range f.Inputs {
		name := in.Name
		if name == "" {
			name = strconv.Itoa(i)
		}
		inputs[i] = builderInput(name, in.Type)
		byName[name] = builderText(args[i].Value, in.Type)
	}
	return map[string]any{"name": f.Name, "payable": !call.Value.IsZero(), "inputs": inputs}, byName
}

func builderInput(name string, t abi.Type) map[string]any {
	in := map[string]any{"name": name, "type": builderType(t), "internalType": builderType(t)}
	leaf := t
	for leaf.T == abi.SliceTy || leaf.T == abi.ArrayTy {
		leaf = *leaf.Elem
	}
	if leaf.T == abi.TupleTy {
		components := make([]any, len(leaf.TupleElems))
		for i, member := range leaf.TupleElems {
			components[i] = builderInput(leaf.TupleRawNames[i], *member)
		}
		in["components"] = components
	}
	return in
}

// builderType writes tuples as JSON ABIs do.
func builderType(t abi.Type) string {
	switch t.T {
	case abi.TupleTy:
		return "tuple"
	case abi.SliceTy:
		return builderType(*t.Elem) + "[]"
	case abi.ArrayTy:
		return fmt.Sprintf("%s[%d]", builderType(*t.Elem), t.Size)
	}
	return t.String()
}

// builderText is a value as one text: JSON with quoted leaves for arrays and tuples.
func builderText(v any, t abi.Type) string {
	if t.T != abi.SliceTy && t.T != abi.ArrayTy && t.T != abi.TupleTy {
		return TextAs(t, v)
	}
	text, err := json.Marshal(builderTree(&t, reflect.ValueOf(v)))
	if err != nil {
		return "" // lists and texts always marshal
	}
	return string(text)
}

// builderTree is a value as lists of texts; tuples are lists, too.
func builderTree(t *abi.Type, v reflect.Value) any {
	switch t.T {
	case abi.SliceTy, abi.ArrayTy:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = builderTree(t.Elem, v.Index(i))
		}
		return list
	case abi.TupleTy:
		list := make([]any, v.NumField())
		for i := range list {
			list[i] = builderTree(t.TupleElems[i], v.Field(i))
		}
		return list
	}
	return TextAs(*t, v.Interface())
}

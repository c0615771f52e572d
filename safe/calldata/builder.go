package calldata

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"belay/safe"
)

// ErrBadBatch says that a file is no batch of the Safe Transaction Builder, or one that could be read in two ways; the
// wrapping text says what and where.
var ErrBadBatch = errors.New("not a batch of the Safe Transaction Builder")

// Bounds of a batch file: what fits a block is far below.
const (
	maxBatchFile  = 4 << 20 // bytes
	maxBatchCalls = 1000
)

// Checksum says whether a batch file is as it was exported.
type Checksum string

// The three answers. An absent or wrong checksum proves nothing bad: many scripts write none, and people edit files.
const (
	ChecksumRight  Checksum = "right"
	ChecksumWrong  Checksum = "wrong"
	ChecksumAbsent Checksum = "absent"
)

// BatchFile is a batch as the Safe Transaction Builder exports and imports it (version 1.0 of its JSON).
type BatchFile struct {
	ChainID           uint64         // 0: the file does not say
	Safe              common.Address // zero: the file does not say
	Name, Description string
	CreatedAt         time.Time
	Calls             []safe.Call
	Functions         []Function // the file's own name for each call; the zero Function where it gives only data
	Checksum          Checksum   // on reading
}

func badBatch(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadBatch, fmt.Sprintf(format, args...))
}

// ReadBatchFile reads a batch. Calls that are given as a method with values are encoded by the rules of ParseValue; where
// a file gives data as well, both have to say the same. An operation other than a plain call is refused: the Transaction
// Builder would drop it silently.
func ReadBatchFile(file []byte) (BatchFile, error) {
	if len(file) > maxBatchFile {
		return BatchFile{}, badBatch("it has more than %d bytes", maxBatchFile)
	}
	tree, err := readTree(file)
	if err != nil {
		return BatchFile{}, badBatch("%v", err)
	}
	top, ok := tree.(map[string]any)
	if !ok {
		return BatchFile{}, badBatch("it is no JSON object")
	}
	list, ok := top["transactions"].([]any)
	if !ok {
		return BatchFile{}, badBatch("it has no list of transactions")
	}
	if len(list) == 0 || len(list) > maxBatchCalls {
		return BatchFile{}, badBatch("it has %d transactions, between 1 and %d are read", len(list), maxBatchCalls)
	}
	b := BatchFile{Checksum: checksumOf(top)}
	if err := b.readHead(top); err != nil {
		return BatchFile{}, err
	}
	for i, item := range list {
		call, function, err := readBatchCall(item)
		if err != nil {
			return BatchFile{}, badBatch("transactions[%d]: %v", i, err)
		}
		b.Calls, b.Functions = append(b.Calls, call), append(b.Functions, function)
	}
	return b, nil
}

// readTree reads one JSON value. Numbers keep their text.
func readTree(text []byte) (tree any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind the JSON")
	}
	return tree, nil
}

func (b *BatchFile) readHead(top map[string]any) (err error) {
	if version, ok := top["version"]; ok && scalar(version) != "1.0" {
		return badBatch("its version is %q, only 1.0 is known", clip(scalar(version), 20))
	}
	if text := scalar(top["chainId"]); text != "" {
		if b.ChainID, err = strconv.ParseUint(text, 10, 64); err != nil {
			return badBatch("its chainId is %q, not a number", clip(text, 20))
		}
	}
	meta, _ := top["meta"].(map[string]any)
	b.Name, b.Description = scalar(meta["name"]), scalar(meta["description"])
	if text := scalar(meta["createdFromSafeAddress"]); text != "" {
		if b.Safe, err = ParseAddress(text); err != nil {
			return badBatch("meta.createdFromSafeAddress: %v", err)
		}
	}
	if millis, err := strconv.ParseInt(scalar(top["createdAt"]), 10, 64); err == nil {
		b.CreatedAt = time.UnixMilli(millis).UTC()
	}
	return nil
}

// scalar is the text of a JSON text, number or boolean; "" for anything else.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func readBatchCall(item any) (call safe.Call, f Function, err error) {
	t, ok := item.(map[string]any)
	if !ok {
		return call, f, errors.New("it is no JSON object")
	}
	if operation := scalar(t["operation"]); operation != "" && operation != "0" {
		return call, f, fmt.Errorf("operation %s: a batch makes plain calls only", clip(operation, 20))
	}
	if call.To, err = ParseAddress(scalar(t["to"])); err != nil {
		return call, f, fmt.Errorf("to: %w", err)
	}
	if text := scalar(t["value"]); text != "" {
		n, err := uint256.FromDecimal(text)
		if err != nil || n.Dec() != text {
			return call, f, fmt.Errorf("value: %q is not an amount in wei", clip(text, 40))
		}
		call.Value = *n
	}
	given, hasData, err := batchData(t["data"])
	if err != nil {
		return call, f, err
	}
	call.Data = given
	method, ok := t["contractMethod"].(map[string]any)
	if !ok || scalar(method["name"]) == "fallback" || scalar(method["name"]) == "receive" {
		return call, f, nil
	}
	if f, call.Data, err = encodeMethod(method, t["contractInputsValues"]); err != nil {
		return call, f, fmt.Errorf("contractMethod: %w", err)
	}
	if hasData && !bytes.Equal(given, call.Data) {
		return call, f, fmt.Errorf("its data are not what %s with its values encodes to: which of them is meant?", f.Signature())
	}
	return call, f, nil
}

// batchData reads the data of a call. The Transaction Builder sends any text there, "0x" too, whatever the method says.
func batchData(v any) (data []byte, given bool, err error) {
	text := scalar(v)
	if v == nil || text == "" {
		return nil, false, nil
	}
	data, err = parseHex(text)
	if err != nil {
		return nil, false, fmt.Errorf("data: %w", err)
	}
	return data, true, nil
}

func encodeMethod(method map[string]any, values any) (Function, []byte, error) {
	inputs, err := methodInputs(method["inputs"], 0)
	if err != nil {
		return Function{}, nil, err
	}
	f, err := abiEntry{Name: scalar(method["name"]), Inputs: inputs}.function()
	if err != nil {
		return Function{}, nil, err
	}
	byName, _ := values.(map[string]any)
	args := make([]any, len(inputs))
	for i, in := range inputs {
		if canonical := builderType(f.Inputs[i].Type); canonical != in.Type {
			return Function{}, nil, fmt.Errorf("%s: input %d has the type %q, which is written %s", f.Signature(), i, clip(in.Type, 40), canonical)
		}
		value, ok := byName[cmp.Or(in.Name, strconv.Itoa(i))] // the Transaction Builder looks nowhere else
		if !ok {
			return Function{}, nil, fmt.Errorf("%s: there is no value for input %d, %q", f.Signature(), i, clip(in.Name, 40))
		}
		if args[i], err = methodValue(f.Inputs[i].Type, value); err != nil {
			return Function{}, nil, fmt.Errorf("%s: input %q: %w", f.Signature(), clip(in.Name, 40), err)
		}
	}
	data, err := f.Encode(args)
	return f, data, err
}

// maxTupleDepth bounds tuples within tuples.
const maxTupleDepth = 8

func methodInputs(v any, depth int) ([]abiParam, error) {
	list, _ := v.([]any)
	if depth > maxTupleDepth {
		return nil, errors.New("its tuples are nested too deep")
	}
	params := make([]abiParam, 0, len(list))
	for _, item := range list {
		in, ok := item.(map[string]any)
		if !ok {
			return nil, errors.New("an input is no JSON object")
		}
		components, err := methodInputs(in["components"], depth+1)
		if err != nil {
			return nil, err
		}
		params = append(params, abiParam{Name: scalar(in["name"]), Type: scalar(in["type"]), Components: components})
	}
	return params, nil
}

// methodValue gives a value the form that Function.Encode takes. The Transaction Builder keeps every value as one text; in
// that of an array or tuple there is JSON.
func methodValue(t abi.Type, v any) (any, error) {
	composite := t.T == abi.SliceTy || t.T == abi.ArrayTy || t.T == abi.TupleTy
	if !composite {
		if v == nil || scalar(v) == "" && t.T != abi.StringTy {
			return nil, badValue("there is no %s", t)
		}
		return scalar(v), nil
	}
	if text, ok := v.(string); ok {
		tree, err := readTree([]byte(text))
		if err != nil {
			return nil, badValue("%s has to be written as JSON: %v", t, err)
		}
		v = tree
	}
	if !exact(v) {
		return nil, badValue("a number in %s is more than JavaScript can hold exactly: put it in quotes", t)
	}
	return texts(v), nil
}

// exact reports whether every number of a JSON value is one that JavaScript reads exactly.
func exact(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !exact(item) })
	case map[string]any:
		for _, item := range v {
			if !exact(item) {
				return false
			}
		}
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		return err == nil && n < 1<<53 && n > -1<<53
	}
	return true
}

// texts turns the leaves of a JSON value into text.
func texts(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = texts(item)
		}
		return list
	case map[string]any:
		members := make(map[string]any, len(v))
		for name, item := range v {
			members[name] = texts(item)
		}
		return members
	}
	return scalar(v)
}

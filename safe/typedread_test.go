package safe_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"belay/safe"
)

// sameRule is the oldest version with the same hash rule.
func sameRule(v safe.Version) safe.Version {
	switch {
	case v.BindsChain():
		return safe.V1_3_0
	case v.Less(safe.V1_0_0):
		return safe.V0_1_0
	}
	return safe.V1_0_0
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTypedDataIsReadBack(t *testing.T) {
	for _, v := range ownVectors(t) {
		d, tx := v.domain(t), v.tx(t)
		gotDomain, gotTx, err := safe.ReadTypedData(marshal(t, safe.TypedData(d, tx)))
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		want := safe.Domain{Safe: d.Safe, Version: sameRule(d.Version)}
		if d.Version.BindsChain() {
			want.ChainID = d.ChainID
		}
		if gotDomain != want || safe.Hash(gotDomain, gotTx) != safe.Hash(d, tx) {
			t.Errorf("%s: read as %+v %+v", v.ID, gotDomain, gotTx)
		}
	}
}

func TestTypedDataOfSomethingElseIsRefused(t *testing.T) {
	d := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6"), Version: safe.V1_4_1}
	plain := string(marshal(t, safe.TypedData(d, safe.Void(d.Safe, 7))))
	for name, c := range map[string]struct{ old, new, want string }{
		"another primary type":         {`"primaryType":"SafeTx"`, `"primaryType":"Permit"`, `primary type is "Permit"`},
		"a type too many":              {`"types":{`, `"types":{"Permit":[],`, `a type "Permit"`},
		"a member's type":              {`{"name":"value","type":"uint256"}`, `{"name":"value","type":"uint128"}`, "types are not those"},
		"members in another order":     {`{"name":"to","type":"address"},{"name":"value","type":"uint256"}`, `{"name":"value","type":"uint256"},{"name":"to","type":"address"}`, "types are not those"},
		"a domain of another version":  {`"chainId":1,`, ``, "types are not those"},
		"a name in the domain":         {`"domain":{`, `"domain":{"name":"Safe",`, "domain has 3 members"},
		"a member too many":            {`"message":{`, `"message":{"Value":"5",`, "message has 11 members"},
		"a member missing":             {`"value":"0"`, `"Value":"0"`, "message.value is missing"},
		"a second message for us":      {`"message":{`, `"Message":{},"message":{`, "it has 5 members"},
		"a negative number":            {`"value":"0"`, `"value":"-1"`, "message.value is not a whole number"},
		"an exponent":                  {`"value":"0"`, `"value":1e18`, "message.value is not a whole number"},
		"a leading zero":               {`"value":"0"`, `"value":"010"`, "message.value is not a whole number"},
		"an operation above 255":       {`"operation":"0"`, `"operation":"256"`, "below 256"},
		"a nonce above 64 bits":        {`"nonce":"7"`, `"nonce":"0x10000000000000000"`, "below 2^64"},
		"a wrong checksum":             {"0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6", "0xa77DE01e157f9f57C7c4A326eeE9C4874D0598b6", "wrong checksum"},
		"no address":                   {"0x0000000000000000000000000000000000000000", "0x00", "not an address"},
		"half a byte":                  {`"data":"0x"`, `"data":"0x1"`, "hex digits"},
		"a list for a number":          {`"value":"0"`, `"value":["0"]`, "neither text nor a number"},
		"a fifth member":               {`"primaryType"`, `"transactions":[],"primaryType"`, "it has 5 members"},
		"no type for the domain":       {`"EIP712Domain":[{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}],`, ``, "types are not those"},
		"a number too large for them":  {`"value":"0"`, `"value":9007199254740993`, "JavaScript"},
		"an upper-case prefix":         {`"data":"0x"`, `"data":"0X00"`, "hex digits"},
		"something behind it":          {`}`, `}`, ""},
		"text that is no JSON":         {`{`, ``, "no JSON object"},
		"a domain that is no object":   {`"domain":{`, `"domain":[{`, "no JSON object"},
		"types that are not an object": {`"types":{`, `"types":[{`, "no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(plain, c.old, c.new, 1)
			if name == "a wrong checksum" || name == "no address" {
				text = strings.ReplaceAll(plain, c.old, c.new)
			}
			if c.want == "" {
				text, c.want = plain+"{}", "behind"
			}
			if _, _, err := safe.ReadTypedData([]byte(text)); !errors.Is(err, safe.ErrNotSafeTx) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s\nerror is %v, want %q", text, err, c.want)
			}
		})
	}
	if _, _, err := safe.ReadTypedData(make([]byte, safe.MaxTypedData+1)); !errors.Is(err, safe.ErrNotSafeTx) {
		t.Errorf("a document that is too long: %v", err)
	}
}

// FuzzReadTypedData holds that what is read hashes as go-ethereum's signer hashes the document, and is written as it is read.
func FuzzReadTypedData(f *testing.F) {
	for _, v := range ownVectors(f) {
		f.Add(marshal(f, safe.TypedData(v.domain(f), v.tx(f))))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		d, tx, err := safe.ReadTypedData(document)
		if err != nil {
			return
		}
		again, tx2, err := safe.ReadTypedData(marshal(t, safe.TypedData(d, tx)))
		if err != nil || again != d || !reflect.DeepEqual(tx2, tx) {
			t.Fatalf("written and read again: %+v %+v %v, want %+v %+v", again, tx2, err, d, tx)
		}
		var typed apitypes.TypedData
		if json.Unmarshal(document, &typed) != nil {
			return // geth is stricter about some forms, such as numbers without quotes
		}
		if hash, _, err := apitypes.TypedDataAndHash(typed); err == nil && common.BytesToHash(hash) != safe.Hash(d, tx).SafeTx {
			t.Errorf("geth signs %x, we say %s, for %s", hash, safe.Hash(d, tx).SafeTx, document)
		}
	})
}

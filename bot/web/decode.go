package web

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

const (
	maxBody  = 1 << 20 // bytes of a request
	maxDepth = 8       // of nested objects and lists in a request; ours need 2
)

// readBody takes the whole body, at most maxBody bytes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, governance.Refuse(codeTooLarge, "Send less.", "The body is larger than %d bytes.", maxBody)
	}
	if err != nil {
		return nil, malformed("The body broke off before its end.")
	}
	return body, nil
}

// decodeBody reads the JSON object v points to, strictly: one object, the exact names of v's fields, none twice, nothing behind.
func decodeBody(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	return decodeStrict(body, v)
}

func decodeStrict(body []byte, v any) error {
	scan := json.NewDecoder(bytes.NewReader(body))
	scan.UseNumber()
	if err := scanValue(scan, 0, fieldNames(v)); err != nil {
		return malformed("%s", err)
	}
	if _, err := scan.Token(); !errors.Is(err, io.EOF) {
		return malformed("There is something behind the JSON object.")
	}
	if err := json.Unmarshal(body, v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return malformed("%q takes a %s, not a %s.", wrong.Field, plainType(wrong.Type), wrong.Value)
		}
		return malformed("%s", err)
	}
	return nil
}

func malformed(detail string, args ...any) *governance.Refusal {
	return governance.Refuse(governance.CodeMalformedJSON, "The fields of every route are listed at /api/v1/openapi.json.", detail, args...)
}

// scanValue walks one JSON value and finds what encoding/json lets pass: deep nesting and names given twice. Where allowed
// is not nil the value must be an object with these names only.
func scanValue(d *json.Decoder, depth int, allowed []string) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return notJSON(err)
	}
	if allowed != nil && token != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	switch token {
	case json.Delim('{'):
		return scanObject(d, depth, allowed)
	case json.Delim('['):
		for d.More() {
			if err := scanValue(d, depth+1, nil); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return notJSON(err)
	}
	return nil
}

func scanObject(d *json.Decoder, depth int, allowed []string) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return notJSON(err)
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("%.64q is given twice", name)
		}
		seen[name] = true
		if allowed != nil && !slices.Contains(allowed, name) {
			return fmt.Errorf("%.64q is not a field of this route, which takes %s", name, strings.Join(allowed, ", "))
		}
		if err := scanValue(d, depth+1, nil); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return notJSON(err)
}

func notJSON(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	}
	return fmt.Errorf("not JSON: %w", err)
}

// fieldNames lists the JSON names of the struct that v points to.
func fieldNames(v any) []string {
	names := []string{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v).Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func plainType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return "string"
}

// word is a parameter as typed. A JSON number or boolean is taken by its text, so that no digit is lost on the way.
type word string

// UnmarshalJSON takes a string, number or boolean.
func (w *word) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, (*string)(w))
	case len(b) == 0, b[0] == '{', b[0] == '[', string(b) == "null":
		return errors.New("a parameter is a string, a number, or true or false")
	}
	*w = word(b)
	return nil
}

// parseHash reads a 32-byte hash. Empty text is the zero hash, which means "the active one".
func parseHash(name, text string) (common.Hash, error) {
	b, err := parseHex(text)
	if text != "" && (err != nil || len(b) != common.HashLength) {
		return common.Hash{}, governance.Refuse(governance.CodeBadValue, "A hash is 0x and 64 hex digits.", "%s is not a hash.", name)
	}
	return common.BytesToHash(b), nil
}

// parseAddress reads an address. Mixed case must be a correct EIP-55 checksum; empty text is the zero address.
func parseAddress(name, text string) (common.Address, error) {
	if text == "" {
		return common.Address{}, nil
	}
	b, err := parseHex(text)
	if err != nil || len(b) != common.AddressLength {
		return common.Address{}, governance.Refuse(governance.CodeBadValue, "An address is 0x and 40 hex digits.", "%s is not an address.", name)
	}
	a := common.BytesToAddress(b)
	digits := text[2:]
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && a.Hex()[2:] != digits {
		return common.Address{}, governance.Refuse(governance.CodeBadValue, "Copy the address again, whole.", "%s has a wrong checksum: a character is mistyped.", name)
	}
	return a, nil
}

// parseSignature reads a signature as a wallet returned it.
func parseSignature(text string) ([]byte, error) {
	b, err := parseHex(text)
	if err != nil || len(b) == 0 {
		return nil, governance.Refuse(governance.CodeMalformedSignature, "Paste what the wallet returned: 0x and hex digits, 130 of them as a rule.",
			"The signature is not 0x and hex digits.")
	}
	return b, nil
}

func parseHex(text string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok {
		return nil, errors.New("no 0x in front")
	}
	return hex.DecodeString(digits)
}

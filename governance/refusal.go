package governance

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Code is a refusal's reason, stable for machines. The list is the public contract's.
type Code string

// The refusal codes.
const (
	CodeMalformedJSON      Code = "malformed_json"
	CodeNotFound           Code = "not_found"
	CodeNotOpen            Code = "not_open"
	CodeNoAgreement        Code = "no_agreement"
	CodeMalformedSignature Code = "malformed_signature"
	CodeNotOwner           Code = "not_owner"
	CodeWrongHash          Code = "wrong_hash"
	CodeStaleHash          Code = "stale_hash"
	CodeContractRejected   Code = "contract_rejected"
	CodeUnknownPlaybook    Code = "unknown_playbook"
	CodeUnknownParam       Code = "unknown_param"
	CodeMissingParam       Code = "missing_param"
	CodeBadValue           Code = "bad_value"
	CodeOutOfBounds        Code = "out_of_bounds"
	CodeChangeTooLarge     Code = "change_too_large"
	CodeInvariant          Code = "invariant"
	CodeCoolingDown        Code = "cooling_down"
	CodeNotPermitted       Code = "not_permitted"
	CodeSimulationReverted Code = "simulation_reverted"
	CodeRelayerUnfunded    Code = "relayer_unfunded"
	CodeNotRecorded        Code = "not_recorded" // the store could not commit; nothing happened
)

// Refusal is an answer that says what was refused, why, and what to do next. Title and Hint are our own words;
// Detail may quote what a person or the chain said and is escaped by every renderer.
type Refusal struct {
	Code   Code
	Detail string // what exactly, where
	Hint   string // the next step

	heading string // instead of the code's title, where that would mislead
}

// Refuse makes a refusal. The hint is a sentence of its own wherever it is shown, and begins as one.
func Refuse(code Code, hint, detail string, args ...any) *Refusal {
	return &Refusal{Code: code, Detail: fmt.Sprintf(detail, args...), Hint: sentenceCase(hint)}
}

// Headed gives the refusal a title of its own.
func (r *Refusal) Headed(title string) *Refusal {
	r.heading = title
	return r
}

// sentenceCase lets a text begin with a capital letter.
func sentenceCase(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// Error gives detail and hint in one line.
func (r *Refusal) Error() string {
	if r.Hint == "" {
		return r.Detail
	}
	return r.Detail + " (" + r.Hint + ")"
}

// Title is a short sentence: the code's, unless the refusal has one of its own.
func (r *Refusal) Title() string {
	if r.heading != "" {
		return r.heading
	}
	return Titles[r.Code]
}

// Titles gives every code its short sentence.
var Titles = map[Code]string{
	CodeMalformedJSON:      "The request is not the JSON that this route takes",
	CodeNotFound:           "There is nothing here that you may see",
	CodeNotOpen:            "The proposal does not take this any more",
	CodeNoAgreement:        "The chain's providers do not agree",
	CodeMalformedSignature: "This is not a signature",
	CodeNotOwner:           "The signer is not an owner of the Safe",
	CodeWrongHash:          "The signature is over something else",
	CodeStaleHash:          "The signature is over an older transaction of this proposal",
	CodeContractRejected:   "The contract owner does not accept the signature",
	CodeUnknownPlaybook:    "There is no such playbook",
	CodeUnknownParam:       "The playbook has no such parameter",
	CodeMissingParam:       "A parameter is missing",
	CodeBadValue:           "A value cannot be read",
	CodeOutOfBounds:        "A value is outside its bounds",
	CodeChangeTooLarge:     "The change from today's value is too large",
	CodeInvariant:          "A rule between the values does not hold",
	CodeCoolingDown:        "The playbook is cooling down",
	CodeNotPermitted:       "You may not do this",
	CodeSimulationReverted: "The simulation reverts",
	CodeRelayerUnfunded:    "The relayer cannot pay",
	CodeNotRecorded:        "NOT recorded",
}

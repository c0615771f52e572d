package web

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// operation is how the API's description tells a route. What it takes and gives are zero values of the real types, so that the
// description cannot drift from the code.
type operation struct {
	id, summary string
	query       []parameter
	body        any
	gives       map[int]any // by status; a string names a media type whose content has no schema
	refuses     []int
}

type parameter struct{ name, text string }

var (
	keyParameter = parameter{"key", "read capability of one proposal, from its link in chat; never logged"}
	// everywhere are the refusals that any route may give.
	everywhere = []int{http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusTooManyRequests, http.StatusInternalServerError}
)

func (s *Server) apiRoutes() []route {
	const proposal = "/api/v1/proposals/{id}"
	return []route{
		{method: "GET", path: "/api/v1/proposals", do: s.listProposals, operation: operation{id: "listProposals",
			summary: "Proposals that you may see, newest first, 50 a page; hidden ones with the operator's token",
			query:   []parameter{{"state", "only this state"}, {"cursor", "next_cursor of the page before"}},
			gives:   map[int]any{200: proposalList{}}, refuses: []int{422}}},
		{method: "POST", path: "/api/v1/proposals", do: s.postProposal, operation: operation{id: "propose",
			summary: "Propose a playbook in the name of a member, with the operator's token or signed by the member's wallet. 200: the same intent was open already and is joined",
			body:    proposeBody{}, gives: map[int]any{200: governance.View{}, 201: governance.View{}}, refuses: []int{400, 403, 413, 422, 503}}},
		{method: "GET", path: proposal, do: s.getProposal, operation: operation{id: "getProposal",
			summary: "One proposal by id or public id", query: []parameter{keyParameter}, gives: map[int]any{200: governance.View{}}, refuses: []int{404}}},
		{method: "GET", path: proposal + "/typed-data", do: s.typedData, operation: operation{id: "getTypedData",
			summary: "The bare object for eth_signTypedData_v4; for a contract owner, what its own owners sign",
			query:   []parameter{keyParameter, {"safe_tx_hash", "which SafeTx; the active one when left away"}, {"owner", "the contract that is an owner"}},
			gives:   map[int]any{200: safe.TypedDocument{}}, refuses: []int{404, 409, 422, 503}}},
		{method: "POST", path: proposal + "/signatures", do: s.postSignature, unlimited: true, operation: operation{id: "sign",
			summary: "Hand in a wallet's signature. 201: recorded; 200: known before, in every state. A valid one is never rate-limited",
			query:   []parameter{keyParameter}, body: signatureBody{}, gives: map[int]any{200: governance.View{}, 201: governance.View{}},
			refuses: []int{400, 403, 404, 409, 413, 422, 503}}},
		{method: "GET", path: proposal + "/execution", do: s.getExecution, operation: operation{id: "getExecution",
			summary: "The ready transaction at quorum, for any wallet to send; with key or token", query: []parameter{keyParameter},
			gives: map[int]any{200: execution{}}, refuses: []int{404, 409, 503}}},
		{method: "POST", path: proposal + "/statements/typed-data", do: s.postStatementData, operation: operation{id: "getStatementData",
			summary: "What a wallet signs to object, lift an objection, withdraw or approve. It moves nothing on any chain", query: []parameter{keyParameter},
			body: statementAsk{}, gives: map[int]any{200: safe.TypedDocument{}}, refuses: []int{400, 403, 404, 413, 422}}},
		{method: "POST", path: proposal + "/statements", do: s.postStatement, operation: operation{id: "state",
			summary: "Hand in what a wallet said about a proposal; at is the number in the typed data", query: []parameter{keyParameter},
			body: statementBody{}, gives: map[int]any{201: governance.View{}}, refuses: []int{400, 403, 404, 409, 413, 422, 503}}},
		{method: "POST", path: "/api/v1/intents/typed-data", do: s.postIntentData, operation: operation{id: "getIntentData",
			summary: "What a member's wallet signs to propose without chat and without the operator", body: intentBody{},
			gives: map[int]any{200: safe.TypedDocument{}}, refuses: []int{400, 403, 413, 422}}},
		{method: "GET", path: "/api/v1/timelocks", do: s.listTimelocks, operation: operation{id: "listTimelocks",
			summary: "The configured timelocks and their pending operations", gives: map[int]any{200: timelockList{}}, refuses: []int{503}}},
		{method: "GET", path: "/api/v1/nonces", do: s.listNonces, operation: operation{id: "listNonces",
			summary: "What stands at the nonces of each Safe: used, open, contested, loaded, gaps. With the operator's token", gives: map[int]any{200: nonceList{}}, refuses: []int{503}}},
		{method: "GET", path: "/api/v1/log/head", do: s.logHead, operation: operation{id: "getLogHead",
			summary: "The head of the event log's hash chain, signed", gives: map[int]any{200: map[string]string{}}, refuses: []int{404, 503}}},
		{method: "POST", path: "/api/v1/link/typed-data", do: s.postLinkData, operation: operation{id: "getLinkData",
			summary: "What a wallet signs to be linked to a chat account. Does not spend the token", body: linkAsk{},
			gives: map[int]any{200: safe.TypedDocument{}}, refuses: []int{400, 403, 404, 409, 413, 422}}},
		{method: "POST", path: "/api/v1/link", do: s.postLink, operation: operation{id: "link",
			summary: "Prove a wallet and spend the token", body: linkProof{}, gives: map[int]any{201: linked{}}, refuses: []int{400, 403, 404, 409, 413, 422, 503}}},
		{method: "GET", path: "/api/v1/events", do: s.events, operation: operation{id: "watch",
			summary: "Server-sent events: proposal and timelock name what to load again, resync asks to load everything, ping comes every 15 s. Takes Last-Event-ID",
			query:   []parameter{keyParameter}, gives: map[int]any{200: "text/event-stream"}}},
		{method: "GET", path: "/api/v1/openapi.json", do: s.describe, operation: operation{id: "describe",
			summary: "This description", gives: map[int]any{200: map[string]any{}}}},
	}
}

// object is a JSON object in the making.
type object = map[string]any

// describeAPI writes openapi.json from the table of routes.
func (s *Server) describeAPI() ([]byte, error) {
	paths := map[string]object{}
	schemas := schemas{}
	for _, r := range s.apiRoutes() {
		if paths[r.path] == nil {
			paths[r.path] = object{}
		}
		paths[r.path][strings.ToLower(r.method)] = schemas.operation(r)
	}
	return json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{"title": "Belay", "version": cmpOr(s.cfg.Build.Version, "unknown"),
			"description": "Emergency actions of an on-chain protocol. A proposal that is not public is 404 without its key or the operator's token."},
		"servers": []object{{"url": s.origin.String()}},
		"paths":   paths,
		"components": object{
			"schemas":         schemas,
			"securitySchemes": object{"operator": object{"type": "http", "scheme": "bearer"}},
		},
	}, "", " ")
}

func cmpOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// schemas collects the named schemas that operations refer to.
type schemas map[string]object

func (s schemas) operation(r route) object {
	answers := object{}
	for status, v := range r.gives {
		answers[strconv.Itoa(status)] = object{"description": http.StatusText(status), "content": s.content(v)}
	}
	for _, status := range slices.Concat(r.refuses, everywhere) {
		answers[strconv.Itoa(status)] = object{"description": http.StatusText(status),
			"content": object{problemContentType: object{"schema": s.of(reflect.TypeFor[problem]())}}}
	}
	out := object{"operationId": r.id, "summary": r.summary, "parameters": parametersOf(r), "responses": answers,
		"security": []object{{}, {"operator": []string{}}}}
	if r.body != nil {
		out["requestBody"] = object{"required": true, "content": s.content(r.body)}
	}
	return out
}

func (s schemas) content(v any) object {
	if media, ok := v.(string); ok {
		return object{media: object{}}
	}
	return object{"application/json": object{"schema": s.of(reflect.TypeOf(v))}}
}

func parametersOf(r route) []object {
	out := []object{}
	if strings.Contains(r.path, "{id}") {
		out = append(out, object{"name": "id", "in": "path", "required": true, "description": "P-12, or the public id", "schema": object{"type": "string"}})
	}
	for _, p := range r.query {
		out = append(out, object{"name": p.name, "in": "query", "description": p.text, "schema": object{"type": "string"}})
	}
	return out
}

// wireTypes are types whose JSON is not what their Go kind suggests.
var wireTypes = map[reflect.Type]object{
	reflect.TypeFor[common.Address](): {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"},
	reflect.TypeFor[common.Hash]():    {"type": "string", "pattern": "^0x[0-9a-f]{64}$"},
	reflect.TypeFor[hexutil.Bytes]():  {"type": "string", "pattern": "^0x([0-9a-f]{2})*$"},
	reflect.TypeFor[moment]():         {"type": []string{"integer", "string"}},
	reflect.TypeFor[word]():           {"type": []string{"string", "number", "boolean"}},
}

// enums are the closed sets of the public contract.
var enums = map[reflect.Type]any{
	reflect.TypeFor[governance.State]():             governance.States,
	reflect.TypeFor[governance.Kind]():              governance.Kinds,
	reflect.TypeFor[governance.Purpose]():           []governance.Purpose{governance.PurposeDirect, governance.PurposeSchedule, governance.PurposeExecute, governance.PurposeCancel, governance.PurposeVoid, governance.PurposeSpare},
	reflect.TypeFor[governance.Via]():               []governance.Via{governance.ViaPage, governance.ViaDiscord, governance.ViaSlack, governance.ViaCLI, governance.ViaAPI, governance.ViaChain},
	reflect.TypeFor[governance.Visibility]():        []governance.Visibility{governance.VisiblePublic, governance.VisibleAfterExecution, governance.VisiblePrivate},
	reflect.TypeFor[governance.OperationState]():    []governance.OperationState{governance.OperationUnset, governance.OperationWaiting, governance.OperationReady, governance.OperationDone, governance.OperationExpired, governance.OperationCanceled, governance.OperationBlocked, governance.OperationUnknown},
	reflect.TypeFor[governance.TransactionStatus](): []string{"submitted", "mined", "final"},
}

// of gives a type's schema. Structs are named and referred to.
func (s schemas) of(t reflect.Type) object {
	if wire, ok := wireTypes[t]; ok {
		return wire
	}
	if values, ok := enums[t]; ok {
		return object{"type": "string", "enum": values}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []object{s.of(t.Elem()), {"type": "null"}}}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.named(t)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Interface:
		return object{}
	}
	return object{"type": "integer", "minimum": 0}
}

func (s schemas) named(t reflect.Type) object {
	name := strings.ToUpper(t.Name()[:1]) + strings.TrimSuffix(t.Name()[1:], "View")
	if t == reflect.TypeFor[governance.View]() {
		name = "Proposal"
	}
	if _, known := s[name]; !known {
		s[name] = object{} // stands in while a type that holds itself is described
		properties := object{}
		for _, f := range reflect.VisibleFields(t) {
			field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			properties[field] = s.of(f.Type)
		}
		s[name] = object{"type": "object", "properties": properties}
	}
	return object{"$ref": "#/components/schemas/" + name}
}

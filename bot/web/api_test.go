package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// asking is one request of a table and what must come back.
type asking struct {
	says         string
	method, path string
	body         string
	header       map[string]string
	prepare      func(*fake)
	status       int
	code         governance.Code // of the problem; "" when it is none
	contains     string
	repeatBefore int    // how often the same was asked before
	cacheControl string // "" is not checked
}

var (
	asOperator = map[string]string{"Authorization": "Bearer " + string(testToken)}
	keyed      = "?key=" + testKey
	hashOf     = func(i int) string { return pauseView().SafeTxs[i].SafeTxHash }
	goodBody   = fmt.Sprintf(`{"signature":%q}`, signHash(0, hashOf(0)))
	proposing  = `{"member":"alice","playbook":"pause-reserve","params":{"asset":"usdc"},"reason":"oracle off"}`
)

func do(s http.Handler, a asking) *httptest.ResponseRecorder {
	r := httptest.NewRequest(a.method, "http://belay.test"+a.path, strings.NewReader(a.body))
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func proposalAsks() []asking {
	const one = "/api/v1/proposals/P-12"
	disk := func(f *fake) { f.broken = errBrokenDisk }
	providers := func(f *fake) {
		f.broken = governance.Refuse(governance.CodeNoAgreement, "try again", "alchemy and own disagree")
	}
	return []asking{
		{says: "the public list holds public proposals under their public ids", method: "GET", path: "/api/v1/proposals", status: 200, contains: `"id":"h4zz0ww1"`, cacheControl: "no-cache"},
		{says: "the operator's list holds hidden ones too", method: "GET", path: "/api/v1/proposals", header: asOperator, status: 200, contains: `"id":"P-12"`, cacheControl: "no-store"},
		{says: "a page that has a next one says where it starts", method: "GET", path: "/api/v1/proposals", header: asOperator, status: 200, contains: `"next_cursor":"h4zz0ww1"`},
		{says: "the last page has no next cursor", method: "GET", path: "/api/v1/proposals?cursor=h4zz0ww1", status: 200, contains: `"next_cursor":null`},
		{says: "a state filters", method: "GET", path: "/api/v1/proposals?state=expired", status: 200, contains: `"proposals":[]`},
		{says: "an unknown state is refused", method: "GET", path: "/api/v1/proposals?state=open", status: 422, code: governance.CodeBadValue},
		{says: "a wrong token is refused even where none is needed", method: "GET", path: "/api/v1/proposals", header: map[string]string{"Authorization": "Bearer nope"}, status: 401, code: codeUnauthorized},
		{says: "another scheme than bearer is refused", method: "GET", path: "/api/v1/proposals", header: map[string]string{"Authorization": "Basic " + string(testToken)}, status: 401, code: codeUnauthorized},
		{says: "a hidden proposal is not found without its key", method: "GET", path: one, status: 404, code: governance.CodeNotFound, cacheControl: "no-store"},
		{says: "a wrong key opens nothing", method: "GET", path: one + "?key=guess", status: 404, code: governance.CodeNotFound},
		{says: "its key opens it", method: "GET", path: one + keyed, status: 200, contains: `"reason":"oracle off by 9 %"`, cacheControl: "no-store"},
		{says: "the operator's token opens it", method: "GET", path: one, header: asOperator, status: 200, contains: `"id":"P-12"`, cacheControl: "no-store"},
		{says: "a key opens no other proposal", method: "GET", path: "/api/v1/proposals/P-99" + keyed, status: 404, code: governance.CodeNotFound},
		{says: "a public proposal is for everyone", method: "GET", path: "/api/v1/proposals/h4zz0ww1", status: 200, contains: `"reason":""`, cacheControl: "no-cache"},
		{says: "a broken disk is told as a plain sentence", method: "GET", path: "/api/v1/proposals/h4zz0ww1", prepare: disk, status: 500, code: codeInternal},
		{says: "another method is refused by name", method: "DELETE", path: one, status: 405, code: codeMethod},

		{says: "typed data is the bare object", method: "GET", path: one + "/typed-data" + keyed, status: 200, contains: `"primaryType":"SafeTx"`},
		{says: "typed data of a spare", method: "GET", path: one + "/typed-data" + keyed + "&safe_tx_hash=" + hashOf(1), status: 200, contains: `"nonce":"8"`},
		{says: "typed data is hidden with its proposal", method: "GET", path: one + "/typed-data", status: 404, code: governance.CodeNotFound},
		{says: "typed data of a hash that is none", method: "GET", path: one + "/typed-data" + keyed + "&safe_tx_hash=0x12", status: 422, code: governance.CodeBadValue},
		{says: "typed data for an owner with a mistyped character", method: "GET", path: one + "/typed-data" + keyed + "&owner=0x5aFE000000000000000000000000000000000aBC", status: 422, code: governance.CodeBadValue},
		{says: "typed data when providers disagree", method: "GET", path: one + "/typed-data" + keyed, prepare: providers, status: 503, code: governance.CodeNoAgreement},
		{says: "typed data of an ended one that refuses", method: "GET", path: one + "/typed-data" + keyed, prepare: func(f *fake) {
			f.broken = governance.Refuse(governance.CodeNotOpen, "", "ended")
		}, status: 409, code: governance.CodeNotOpen},

		{says: "the ready transaction is for key holders, at quorum", method: "GET", path: one + "/execution" + keyed, prepare: func(f *fake) { f.views["P-12"].State = governance.StateApproved }, status: 200, contains: `"data":"0x6a761202`},
		{says: "before quorum there is none", method: "GET", path: one + "/execution" + keyed, status: 409, code: governance.CodeNotOpen},
		{says: "of a hidden proposal it is not found", method: "GET", path: one + "/execution", status: 404, code: governance.CodeNotFound},
		{says: "of a public proposal it needs key or token", method: "GET", path: "/api/v1/proposals/h4zz0ww1/execution", status: 401, code: codeUnauthorized},
		{says: "without agreement there is none", method: "GET", path: one + "/execution" + keyed, prepare: providers, status: 503, code: governance.CodeNoAgreement},

		{says: "the operator proposes in a member's name", method: "POST", path: "/api/v1/proposals", header: asOperator, body: proposing, status: 201, contains: `"id":"P-13"`},
		{says: "the same intent again is joined", method: "POST", path: "/api/v1/proposals", header: asOperator, body: proposing, repeatBefore: 1, status: 200, contains: `"id":"P-13"`},
		{says: "numbers and booleans keep their text", method: "POST", path: "/api/v1/proposals", header: asOperator, body: `{"member":"alice","playbook":"pause-reserve","params":{"cap":1000000000000000000000001,"on":true}}`, status: 201},
		{says: "without the token nobody proposes", method: "POST", path: "/api/v1/proposals", body: proposing, status: 401, code: codeUnauthorized},
		{says: "what a member's wallet signs to propose", method: "POST", path: "/api/v1/intents/typed-data", body: `{"playbook":"pause-reserve","params":{"asset":"usdc"},"reason":"off"}`, status: 200, contains: `"action":"propose"`},
		{says: "an intent to sign of a book's length", method: "POST", path: "/api/v1/intents/typed-data", body: `{"reason":"` + strings.Repeat("x", maxBody) + `"}`, status: 413, code: codeTooLarge},
		{says: "an intent to sign with a reason that is too long", method: "POST", path: "/api/v1/intents/typed-data", body: `{"reason":"` + strings.Repeat("x", 600) + `"}`, status: 422, code: governance.CodeBadValue},
		{says: "an intent to sign for another site", method: "POST", path: "/api/v1/intents/typed-data", header: map[string]string{"Origin": "https://evil.example"}, body: `{}`, status: 403, code: codeForeignOrigin},
		{says: "an intent to sign that is no JSON", method: "POST", path: "/api/v1/intents/typed-data", body: `[]`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a member's wallet proposes without the token", method: "POST", path: "/api/v1/proposals", body: signedIntent(0, spokenAt), status: 201, contains: `"id":"P-13"`},
		{says: "a stranger's wallet proposes nothing", method: "POST", path: "/api/v1/proposals", body: signedIntent(3, spokenAt), status: 422, code: governance.CodeNotOwner},
		{says: "an intent signed for another time", method: "POST", path: "/api/v1/proposals", body: signedIntent(0, spokenAt.Add(time.Second)), status: 422, code: governance.CodeNotOwner},
		{says: "an intent with a broken signature", method: "POST", path: "/api/v1/proposals", body: `{"playbook":"pause-reserve","params":{},"at":1,"signature":"0x12"}`, status: 422, code: governance.CodeMalformedSignature},
		{says: "an intent at no time", method: "POST", path: "/api/v1/proposals", body: `{"playbook":"pause-reserve","params":{},"at":"soon","signature":"0x12"}`, status: 400, code: governance.CodeMalformedJSON},
		{says: "an unknown playbook", method: "POST", path: "/api/v1/proposals", header: asOperator, body: `{"member":"alice","playbook":"nope","params":{}}`, status: 422, code: governance.CodeUnknownPlaybook},
		{says: "a proposal that is no JSON", method: "POST", path: "/api/v1/proposals", header: asOperator, body: `member=alice`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a proposal when providers disagree", method: "POST", path: "/api/v1/proposals", header: asOperator, body: proposing, prepare: providers, status: 503, code: governance.CodeNoAgreement},
		{says: "a body beyond 1 MiB", method: "POST", path: "/api/v1/proposals", header: asOperator, body: `{"reason":"` + strings.Repeat("x", maxBody) + `"}`, status: 413, code: codeTooLarge},
		{says: "another site's page proposes nothing", method: "POST", path: "/api/v1/proposals", header: map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, body: proposing, status: 403, code: codeForeignOrigin},
	}
}

// signedIntent is a member's intent, signed by one of the test's wallets.
func signedIntent(signer int, at time.Time) string {
	s := statement(governance.ActionPropose, "pause-reserve", "off")
	return fmt.Sprintf(`{"playbook":"pause-reserve","params":{"asset":"usdc"},"reason":"off","at":%d,"signature":%q}`, at.Unix(), signHash(signer, s.Hash().Hex()))
}

// signedWord is an objection, signed by one of the test's wallets.
func signedWord(signer int, text string) string {
	s := statement(governance.ActionObject, "P-12", "no")
	return fmt.Sprintf(`{"action":"object","text":%q,"at":"%d","signature":%q}`, text, spokenAt.Unix(), signHash(signer, s.Hash().Hex()))
}

func statementAsks() []asking {
	const path = "/api/v1/proposals/P-12/statements"
	return []asking{
		{says: "what a wallet signs to object", method: "POST", path: path + "/typed-data" + keyed, body: `{"action":"object","text":"no"}`, status: 200, contains: `"primaryType":"Statement"`},
		{says: "nothing that can be said", method: "POST", path: path + "/typed-data" + keyed, body: `{"action":"sing"}`, status: 422, code: governance.CodeBadValue},
		{says: "of a hidden proposal", method: "POST", path: path + "/typed-data", body: `{"action":"object"}`, status: 404, code: governance.CodeNotFound},
		{says: "a question that is no JSON", method: "POST", path: path + "/typed-data" + keyed, body: `{`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a wallet objects", method: "POST", path: path + keyed, body: signedWord(1, "no"), status: 201, contains: `"wallet":"` + addressOf(1).Hex(), cacheControl: "no-store"},
		{says: "another text than was signed", method: "POST", path: path + keyed, body: signedWord(1, "yes"), status: 422, code: governance.CodeNotOwner},
		{says: "a stranger's wallet", method: "POST", path: path + keyed, body: signedWord(3, "no"), status: 422, code: governance.CodeNotOwner},
		{says: "an objection without the key", method: "POST", path: path, body: signedWord(1, "no"), status: 404, code: governance.CodeNotFound},
		{says: "an objection from another site", method: "POST", path: path + keyed, header: map[string]string{"Origin": "https://evil.example"}, body: signedWord(1, "no"), status: 403, code: codeForeignOrigin},
		{says: "a question from another site", method: "POST", path: path + "/typed-data" + keyed, header: map[string]string{"Origin": "https://evil.example"}, body: `{"action":"object"}`, status: 403, code: codeForeignOrigin},
		{says: "a question too large", method: "POST", path: path + "/typed-data" + keyed, body: `{"text":"` + strings.Repeat("x", maxBody) + `"}`, status: 413, code: codeTooLarge},
		{says: "an objection too large", method: "POST", path: path + keyed, body: `{"text":"` + strings.Repeat("x", maxBody) + `"}`, status: 413, code: codeTooLarge},
		{says: "an objection that is no JSON", method: "POST", path: path + keyed, body: `[]`, status: 400, code: governance.CodeMalformedJSON},
		{says: "an objection to what has ended", method: "POST", path: path + keyed, body: signedWord(1, "no"), prepare: func(f *fake) { f.views["P-12"].State = governance.StateCanceled }, status: 409, code: governance.CodeNotOpen},
		{says: "an objection that the store cannot commit", method: "POST", path: path + keyed, body: signedWord(1, "no"), prepare: func(f *fake) {
			f.broken = governance.Refuse(governance.CodeNotRecorded, "try again", "the store could not commit this")
		}, status: 503, code: governance.CodeNotRecorded},
		{says: "an objection without a signature", method: "POST", path: path + keyed, body: `{"action":"object","text":"no","at":1}`, status: 422, code: governance.CodeMalformedSignature},
	}
}

func signatureAsks() []asking {
	const path = "/api/v1/proposals/P-12/signatures"
	contract := addressOf(3).Hex()
	return []asking{
		{says: "an owner's signature is new", method: "POST", path: path + keyed, body: goodBody, status: 201, contains: `"status":"Needs 1 more"`, cacheControl: "no-store"},
		{says: "the same again is known", method: "POST", path: path + keyed, body: goodBody, repeatBefore: 1, status: 200},
		{says: "with the hash that it signs", method: "POST", path: path + keyed, body: fmt.Sprintf(`{"signature":%q,"safe_tx_hash":%q,"owner":%q,"kind":"ecdsa"}`, signHash(0, hashOf(1)), hashOf(1), addressOf(0).Hex()), status: 201},
		{says: "from our own origin's page", method: "POST", path: path + keyed, header: map[string]string{"Origin": "http://belay.test", "Sec-Fetch-Site": "same-origin"}, body: goodBody, status: 201},
		{says: "from a program, without an origin", method: "POST", path: path + keyed, body: goodBody, status: 201},
		{says: "another site's page hands nothing in", method: "POST", path: path + keyed, header: map[string]string{"Origin": "https://evil.example"}, body: goodBody, status: 403, code: codeForeignOrigin},
		{says: "to a hidden proposal without the key", method: "POST", path: path, body: goodBody, status: 404, code: governance.CodeNotFound},
		{says: "a stranger's signature", method: "POST", path: path + keyed, body: fmt.Sprintf(`{"signature":%q}`, signHash(3, hashOf(0))), status: 422, code: governance.CodeNotOwner},
		{says: "a signature over a hash that it has not", method: "POST", path: path + keyed, body: fmt.Sprintf(`{"signature":%q,"safe_tx_hash":"0x%064x"}`, signHash(0, hashOf(0)), 5), status: 422, code: governance.CodeWrongHash},
		{says: "a signature that is cut short", method: "POST", path: path + keyed, body: `{"signature":"0x1234"}`, status: 422, code: governance.CodeMalformedSignature},
		{says: "a signature that is no hex", method: "POST", path: path + keyed, body: `{"signature":"yes"}`, status: 422, code: governance.CodeMalformedSignature},
		{says: "no signature at all", method: "POST", path: path + keyed, body: `{}`, status: 422, code: governance.CodeMalformedSignature},
		{says: "a field that the route does not know", method: "POST", path: path + keyed, body: `{"signature":"0x12","chain":1}`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a name in other case", method: "POST", path: path + keyed, body: `{"Signature":"0x12"}`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a name given twice", method: "POST", path: path + keyed, body: `{"signature":"0x12","signature":"0x13"}`, status: 400, code: governance.CodeMalformedJSON},
		{says: "something behind the object", method: "POST", path: path + keyed, body: `{"signature":"0x12"} {}`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a list in place of the object", method: "POST", path: path + keyed, body: `["0x12"]`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a number in place of the signature", method: "POST", path: path + keyed, body: `{"signature":12}`, status: 400, code: governance.CodeMalformedJSON},
		{says: "nested without end", method: "POST", path: path + keyed, body: `{"signature":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, status: 400, code: governance.CodeMalformedJSON},
		{says: "an empty body", method: "POST", path: path + keyed, status: 400, code: governance.CodeMalformedJSON},
		{says: "a contract's signature without its address", method: "POST", path: path + keyed, body: `{"signature":"0x12","kind":"eip1271"}`, status: 422, code: governance.CodeBadValue},
		{says: "an approved hash is not posted", method: "POST", path: path + keyed, body: fmt.Sprintf(`{"signature":"0x12","kind":"approved_hash","owner":%q}`, contract), status: 422, code: governance.CodeBadValue},
		{says: "a kind that is none", method: "POST", path: path + keyed, body: `{"signature":"0x12","kind":"bls"}`, status: 422, code: governance.CodeBadValue},
		{says: "an owner that is no address", method: "POST", path: path + keyed, body: `{"signature":"0x12","owner":"alice"}`, status: 422, code: governance.CodeBadValue},
		{says: "too large", method: "POST", path: path + keyed, body: `{"signature":"0x` + strings.Repeat("00", maxBody/2) + `"}`, status: 413, code: codeTooLarge},
		{says: "after the end a new one is refused", method: "POST", path: path + keyed, body: goodBody, prepare: func(f *fake) { f.views["P-12"].State = governance.StateCanceled }, status: 409, code: governance.CodeNotOpen},
		{says: "when the store cannot commit", method: "POST", path: path + keyed, body: goodBody, prepare: func(f *fake) {
			f.broken = governance.Refuse(governance.CodeNotRecorded, "try again", "nothing happened")
		}, status: 503, code: governance.CodeNotRecorded},
	}
}

func otherAsks() []asking {
	wallet := addressOf(0).Hex()
	document, _ := json.Marshal(linkDocument(addressOf(0)))
	hash, _ := typedHash(document)
	proof := func(token string, signer int) string {
		return fmt.Sprintf(`{"token":%q,"wallet":%q,"signature":%q}`, token, wallet, signHash(signer, hash.Hex()))
	}
	ask := func(token string) string { return fmt.Sprintf(`{"token":%q,"wallet":%q}`, token, wallet) }
	ended := func(f *fake) { f.broken = governance.Refuse(governance.CodeNoAgreement, "", "no") }
	foreign := map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
	return []asking{
		{says: "the timelocks", method: "GET", path: "/api/v1/timelocks", status: 200, contains: `"name":"core-timelock","kind":"openzeppelin","chain":"ethereum"`},
		{says: "the timelocks with a wrong token", method: "GET", path: "/api/v1/timelocks", header: map[string]string{"Authorization": "Bearer x"}, status: 401, code: codeUnauthorized},
		{says: "the timelocks when providers disagree", method: "GET", path: "/api/v1/timelocks", prepare: ended, status: 503, code: governance.CodeNoAgreement},
		{says: "the nonces are for the operator", method: "GET", path: "/api/v1/nonces", status: 401, code: codeUnauthorized},
		{says: "the nonces", method: "GET", path: "/api/v1/nonces", header: asOperator, status: 200, contains: `"safe":"guardian"`, cacheControl: "no-store"},
		{says: "the nonces when the store fails", method: "GET", path: "/api/v1/nonces", header: asOperator, prepare: ended, status: 503, code: governance.CodeNoAgreement},
		{says: "the head of the log", method: "GET", path: "/api/v1/log/head", status: 200, contains: `"seq":"3"`},
		{says: "the description of this API", method: "GET", path: "/api/v1/openapi.json", status: 200, contains: `"openapi": "3.1.0"`},
		{says: "what a wallet signs to be linked", method: "POST", path: "/api/v1/link/typed-data", body: ask("link-token"), status: 200, contains: "amber otter climbs north"},
		{says: "a token that is no more", method: "POST", path: "/api/v1/link/typed-data", body: ask("other"), status: 404, code: governance.CodeNotFound},
		{says: "no wallet", method: "POST", path: "/api/v1/link/typed-data", body: `{"token":"link-token"}`, status: 422, code: governance.CodeBadValue},
		{says: "a link ask that is no JSON", method: "POST", path: "/api/v1/link/typed-data", body: `{`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a link ask too large", method: "POST", path: "/api/v1/link/typed-data", body: `{"token":"` + strings.Repeat("x", maxBody) + `"}`, status: 413, code: codeTooLarge},
		{says: "a link ask by another site", method: "POST", path: "/api/v1/link/typed-data", header: foreign, body: ask("link-token"), status: 403, code: codeForeignOrigin},
		{says: "a wallet that proves itself is linked", method: "POST", path: "/api/v1/link", body: proof("link-token", 0), status: 201, contains: `"member":"alice"`},
		{says: "a token is spent once", method: "POST", path: "/api/v1/link", body: proof("link-token", 0), repeatBefore: 1, status: 404, code: governance.CodeNotFound},
		{says: "another wallet's signature links nothing", method: "POST", path: "/api/v1/link", body: proof("link-token", 1), status: 422, code: governance.CodeNotOwner},
		{says: "a link proof that is no JSON", method: "POST", path: "/api/v1/link", body: `[]`, status: 400, code: governance.CodeMalformedJSON},
		{says: "a link proof too large", method: "POST", path: "/api/v1/link", body: `{"token":"` + strings.Repeat("x", maxBody) + `"}`, status: 413, code: codeTooLarge},
		{says: "a link proof by another site", method: "POST", path: "/api/v1/link", header: foreign, body: proof("link-token", 0), status: 403, code: codeForeignOrigin},

		{says: "the board", method: "GET", path: "/", status: 200, contains: "Lower the supply cap of WETH", cacheControl: "no-cache"},
		{says: "the board ignores keys", method: "GET", path: "/" + keyed, status: 200, contains: "Lower the supply cap of WETH"},
		{says: "a public proposal's page", method: "GET", path: "/p/h4zz0ww1", status: 200, contains: "The cap is 1 000 000", cacheControl: "no-cache"},
		{says: "a hidden proposal's page with its key", method: "GET", path: "/p/P-12" + keyed, status: 200, contains: "Review &amp; sign", cacheControl: "no-store"},
		{says: "a hidden proposal's page without", method: "GET", path: "/p/P-12", status: 404, code: governance.CodeNotFound},
		{says: "a hidden proposal's page in a browser", method: "GET", path: "/p/P-12", header: map[string]string{"Accept": "text/html"}, status: 404, contains: "<h1>"},
		{says: "the signing page with its key", method: "GET", path: "/p/P-12/sign" + keyed, status: 200, contains: "/sign.js", cacheControl: "no-store"},
		{says: "the signing page without", method: "GET", path: "/p/P-12/sign", status: 404, code: governance.CodeNotFound},
		{says: "the link page is the same for every token", method: "GET", path: "/link", status: 200, contains: "/link.js", cacheControl: "no-store"},
		{says: "an address that is none", method: "GET", path: "/wp-login.php", status: 404, code: governance.CodeNotFound},
		{says: "chat's routes are not there when chat is not in http mode", method: "POST", path: "/slack/commands", status: 404, code: governance.CodeNotFound},
		{says: "an asset with another digest", method: "GET", path: "/assets/0000/belay.css", status: 404, code: governance.CodeNotFound},
		{says: "the board takes no post", method: "POST", path: "/", status: 405, code: codeMethod},
	}
}

func allAsks() []asking {
	return slices.Concat(proposalAsks(), statementAsks(), signatureAsks(), otherAsks())
}

func TestRoutesAnswerAsTheContractSays(t *testing.T) {
	for _, a := range allAsks() {
		t.Run(a.says, func(t *testing.T) {
			f := newFake(pauseView(), publicView())
			s := newTestServer(t, f)
			if a.prepare != nil {
				a.prepare(f)
			}
			for range a.repeatBefore {
				do(s, a)
			}
			w := do(s, a)
			if w.Code != a.status {
				t.Fatalf("status %d, want %d: %s", w.Code, a.status, w.Body)
			}
			if a.code != "" {
				checkProblem(t, w, a.code)
			}
			if !strings.Contains(w.Body.String(), a.contains) {
				t.Errorf("body lacks %q: %s", a.contains, w.Body)
			}
			if got := w.Header().Get("Cache-Control"); a.cacheControl != "" && got != a.cacheControl {
				t.Errorf("Cache-Control %q, want %q", got, a.cacheControl)
			}
		})
	}
}

func checkProblem(t *testing.T, w *httptest.ResponseRecorder, code governance.Code) {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != problemContentType {
		t.Errorf("Content-Type %q, want %q", got, problemContentType)
	}
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("problem is no JSON: %v", err)
	}
	if p.Code != code || p.Status != w.Code || p.Title == "" || p.Detail == "" {
		t.Errorf("problem %+v, want code %s with title and detail", p, code)
	}
	if strings.Contains(w.Body.String(), "/var/lib") {
		t.Errorf("the problem tells internals: %s", w.Body)
	}
}

func TestProposeKeepsEveryDigitOfANumber(t *testing.T) {
	f := newFake()
	s := newTestServer(t, f)
	do(s, asking{method: "POST", path: "/api/v1/proposals", header: asOperator, body: `{"member":"alice","playbook":"pause-reserve","params":{"cap":1000000000000000000000001,"on":true},"force":true}`})
	if len(f.proposed) != 1 {
		t.Fatal("nothing was proposed")
	}
	in := f.proposed[0]
	if in.Params["cap"] != "1000000000000000000000001" || in.Params["on"] != "true" || !in.Force || in.Via != governance.ViaAPI {
		t.Errorf("proposed %+v", in)
	}
}

func TestSignatureSaysWhichWayItCame(t *testing.T) {
	for header, want := range map[string]governance.Via{"Sec-Fetch-Site=same-origin": governance.ViaPage, "Belay-Via=cli": governance.ViaCLI, "X=y": governance.ViaAPI} {
		f := newFake(pauseView())
		name, value, _ := strings.Cut(header, "=")
		do(newTestServer(t, f), asking{method: "POST", path: "/api/v1/proposals/P-12/signatures" + keyed, header: map[string]string{name: value}, body: goodBody})
		if len(f.vias) != 1 || f.vias[0] != want {
			t.Errorf("%s came in by %v, want %s", header, f.vias, want)
		}
	}
}

func TestExecutionIsHexThatAWalletTakes(t *testing.T) {
	f := newFake(pauseView())
	f.views["P-12"].State = governance.StateApproved
	w := do(newTestServer(t, f), asking{method: "GET", path: "/api/v1/proposals/P-12/execution" + keyed})
	var e struct {
		To    string        `json:"to"`
		Data  hexutil.Bytes `json:"data"`
		Value string        `json:"value"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatal(err)
	}
	if e.To != testDomain.Safe.Hex() || e.Value != "0" || len(e.Data) < 4 {
		t.Errorf("execution %+v", e)
	}
}

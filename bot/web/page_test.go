package web

import (
	"fmt"
	"slices"
	"testing"

	"belay/governance"
	"belay/governance/coordinator"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

func TestPageSignsWhatTheSafeWillCheck(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.sees("Pause an Aave reserve", "Needs 2 more", "setReservePause(asset: usdc", "getPaused(asset: usdc)", "published Safe contract", "Simulated at block 24511207 by alchemy")
	b.keeps("sign-connect")
	b.press("Connect Test Wallet")
	b.sees("is an owner of this Safe", "Your wallet’s own RPC agrees")
	b.keeps("sign-ready")
	if aloud := js[string](b, `document.querySelector("#bar .aloud").innerText`); aloud != "Aloud: "+safe.CheckWords(common.HexToHash(f.view("P-12").SafeTxHash)) {
		t.Errorf("beside the button: %q", aloud)
	}
	b.press("Sign the pause at nonce 7 with Test Wallet")
	b.sees("Your signature at nonce 7 is recorded: 1 of 2.")
	b.keeps("sign-spare")
	if aloud := js[string](b, `document.querySelector("#bar .aloud").innerText`); aloud != "Aloud: "+safe.CheckWords(common.HexToHash(f.view("P-12").SafeTxs[1].SafeTxHash)) {
		t.Errorf("beside the button of the spare: %q", aloud)
	}
	b.press("Also sign the spare at nonce 8")
	b.sees("You have signed all there is to sign")
	v := f.view("P-12")
	for i, tx := range v.SafeTxs {
		if len(tx.Confirmations) != 1 || tx.Confirmations[0].Owner != addressOf(0).Hex() || tx.Confirmations[0].Via != governance.ViaPage {
			t.Errorf("SafeTx %d holds %+v, want alice's by the page", i, tx.Confirmations)
		}
		yes, err := safe.Confirm(common.HexToHash(tx.SafeTxHash), hexutil.MustDecode(w.signed[i]), []common.Address{addressOf(0)})
		if err != nil || yes.Kind != safe.KindECDSA {
			t.Errorf("signature %d over %s: %v, %v", i, tx.SafeTxHash, yes.Kind, err)
		}
	}
	for _, method := range w.asked {
		if method == "personal_sign" || method == "eth_sign" {
			t.Errorf("the wallet was asked for %s", method)
		}
	}
}

func TestPageOffersToSendAtQuorum(t *testing.T) {
	f, w := newFake(pauseView()), owner(1)
	signAll(t, f, 0)
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.sees("1 of 2 signatures, 1 more needed")
	b.press("Connect Test Wallet")
	b.press("Sign the pause at nonce 7")
	b.sees("recorded: 2 of 2.", "Quorum stands")
	b.press("Send it from my wallet")
	b.sees("Sent as 0xab")
	b.keeps("sign-quorum")
	if len(w.sent) != 1 || common.HexToAddress(w.sent[0]["to"]) != testDomain.Safe || w.sent[0]["value"] != "0x0" || w.sent[0]["from"] != addressOf(1).Hex() {
		t.Errorf("the wallet was asked to send %v", w.sent)
	}
}

// TestPageSendsFirstWhereTheRelayerCannot: nothing happens before somebody sends it, so that this comes before more signatures.
func TestPageSendsFirstWhereTheRelayerCannot(t *testing.T) {
	f, w := newFake(pauseView()), owner(2)
	signAll(t, f, 0)
	signAll(t, f, 1)
	f.change("P-12", func(v *governance.View) {
		v.Status, v.Stuck, v.Notes = "Quorum reached, NOT SENT", true, []string{"The relayer cannot go on: its account is empty."}
	})
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.sees("Quorum reached, NOT SENT", "Any wallet can: connect one")
	b.press("Connect Test Wallet")
	b.sees("Any wallet can: it costs gas", "Sign the pause at nonce 7")
	b.keeps("sign-stuck")
	if got := js[[]string](b, `[...document.querySelectorAll("#bar button")].map((x) => x.className + ": " + x.innerText)`); !slices.Equal(got, []string{"primary wide: Send it from my wallet", "wide: Sign the pause at nonce 7 with Test Wallet"}) {
		t.Errorf("the buttons are %q", got)
	}
	if gap := js[float64](b, `(([first, second]) => second.getBoundingClientRect().top - first.getBoundingClientRect().bottom)(document.querySelectorAll("#bar button"))`); gap < 5 {
		t.Errorf("the buttons are %v pixels apart", gap)
	}
	b.press("Send it from my wallet")
	b.sees("Sent as 0xab")
}

// signAll hands in an owner's signatures on every SafeTx by another way.
func signAll(t *testing.T, f *fake, i int) {
	t.Helper()
	for _, tx := range f.view("P-12").SafeTxs {
		hash := common.HexToHash(tx.SafeTxHash)
		if _, err := f.Confirm(t.Context(), coordinator.Signed{Proposal: "P-12", SafeTxHash: hash, Signature: hexutil.MustDecode(signHash(i, tx.SafeTxHash)), Via: governance.ViaCLI}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPageRefuses shows every reason for which the page does not ask a wallet, and that it says why.
func TestPageRefuses(t *testing.T) {
	evil := "0x000000000000000000000000000000000000dEaD"
	tampers := map[string]struct {
		tamper func(*governance.View)
		server func(*fake)
		wallet func(*testWallet) // nil: it ends before a wallet is connected
		sees   []string
	}{
		"a safeTxHash that is not of the fields": {
			tamper: func(v *governance.View) {
				v.SafeTxs[0].SafeTxHash = common.Hash{1}.Hex()
				v.SafeTxHash = v.SafeTxs[0].SafeTxHash
			},
			sees: []string{"Do not sign", "are NOT those of the fields shown", "Signing is off"},
		},
		"a message hash that is not of the fields": {
			tamper: func(v *governance.View) { v.SafeTxs[0].MessageHash = common.Hash{1}.Hex() },
			sees:   []string{"are NOT those of the fields shown", "Signing is off"},
		},
		"words that tell another target than the bytes": {
			tamper: func(v *governance.View) { v.Calls[0].To = evil },
			sees:   []string{"do NOT describe this transaction", "Signing is off"},
		},
		"bytes that do more than the words tell": {
			tamper: func(v *governance.View) {
				setTxs(v, safeTxView(testDomain, governance.PurposeDirect, safe.Tx{To: pauseCall.To, Data: append(pauseCall.Data[:len(pauseCall.Data):len(pauseCall.Data)], 1), Nonce: 7}))
			},
			sees: []string{"do NOT describe this transaction", "Signing is off"},
		},
		"a spare that is another transaction": {
			tamper: func(v *governance.View) {
				spare := safeTxView(testDomain, governance.PurposeSpare, safe.Tx{To: pauseCall.To, Data: pauseCall.Data, Nonce: 8, SafeTxGas: *newInt(1)})
				v.SafeTxs[1] = spare
			},
			sees: []string{"not the same transaction", "Signing is off"},
		},
		"a typed document of other fields": {
			server: func(f *fake) { f.lies = true },
			wallet: func(*testWallet) {},
			sees:   []string{"differs from the fields shown", "Signing is off"},
		},
		"a version whose hashes are others": {
			tamper: func(v *governance.View) { v.Safe.Version = "1.2.0" },
			sees:   []string{"are NOT those of the fields shown"},
		},
		"a chain that computes another hash": {
			wallet: func(w *testWallet) { w.lies = true },
			sees:   []string{"own RPC DISAGREES", "Signing is off"},
		},
		"a nonce that the chain has used": {
			wallet: func(w *testWallet) { w.nonce = 9 },
			sees:   []string{"nonce 7 is used already", "Signing is off"},
		},
		"an account that owns nothing": {
			wallet: func(w *testWallet) { w.key = 3 },
			sees:   []string{"not an owner of this Safe", "Look again"},
		},
		"a batch through code that nobody published": {
			tamper: func(v *governance.View) { batch(v, common.HexToAddress(evil)) },
			wallet: func(w *testWallet) { w.code = []byte{0x60, 0x00} },
			sees:   []string{"not a published MultiSendCallOnly", "Signing is off"},
		},
		"an end": {
			tamper: func(v *governance.View) { v.State = governance.StateCanceled },
			sees:   []string{"There is nothing to sign: canceled"},
		},
	}
	for says, c := range tampers {
		t.Run(says, func(t *testing.T) {
			v, w := pauseView(), owner(0)
			if c.tamper != nil {
				c.tamper(&v)
			}
			if c.wallet != nil {
				c.wallet(w)
			}
			f := newFake(v)
			if c.server != nil {
				c.server(f)
			}
			b := openTab(t, f, w, phone)
			b.open(signPath)
			b.sees("Checked on this device")
			if c.wallet != nil {
				b.press("Connect Test Wallet")
			}
			b.sees(c.sees...)
			b.lacks("Sign the pause")
			if len(w.signed) > 0 {
				t.Error("the wallet was asked to sign")
			}
		})
	}
}

// batch makes the proposal one of two calls through a MultiSend library at an address.
func batch(v *governance.View, library common.Address) {
	second := safe.Call{To: common.HexToAddress("0x1111111111111111111111111111111111111111"), Data: []byte{1, 2, 3, 4}}
	tx, err := safe.Batch([]safe.Call{pauseCall, second}, library, 7)
	if err != nil {
		panic(err)
	}
	setTxs(v, safeTxView(testDomain, governance.PurposeDirect, tx))
	v.Calls = append(v.Calls, governance.CallView{To: second.To.Hex(), Value: "0", Data: hexutil.Encode(second.Data), Text: "second call", Args: []governance.ArgView{}})
}

func TestPageSignsABatchOfPublishedCode(t *testing.T) {
	v := pauseView()
	batch(&v, safe.MultiSendCallOnly()[1].Address)
	f, w := newFake(v), owner(0)
	w.silent = true // its RPC does not answer: the published address is what is left
	b := openTab(t, f, w, desk)
	b.open(signPath)
	b.sees("Call 1 of 2", "Call 2 of 2", "All 2 calls of the batch are shown", "For a batch that is expected")
	b.press("Connect Test Wallet")
	b.sees("own RPC could not be asked")
	b.press("Sign the pause at nonce 7")
	b.sees("recorded: 1 of 2.")
	b.keeps("sign-batch")
}

// TestPageSaysWhoVouchesForTheConfiguration: with the whole hash, on the signing page and on that of the proposal.
func TestPageSaysWhoVouchesForTheConfiguration(t *testing.T) {
	v := pauseView()
	v.Manifest = &governance.ManifestView{Hash: common.Hash{0x5e, 1}.Hex(), Require: 1, FirstUse: true,
		SignedBy: []governance.SignedByView{{Member: "alice", At: "2026-11-21T09:00:00Z"}, {Member: "bob", At: "2026-11-22T09:00:00Z", Wallet: common.Address{0xab, 19: 1}.Hex()}}}
	b := openTab(t, newFake(v), owner(0), phone)
	for _, path := range []string{signPath, "/p/P-12" + keyed} {
		b.open(path)
		b.sees("Configuration", v.Manifest.Hash, "signed by alice on 2026-11-21, bob with "+v.Manifest.SignedBy[1].Wallet[:6]+"…0001 on 2026-11-22; accepted on first use")
	}
}

// TestPageTellsAllThatASimulationDid, without obeying it, and says where nobody looked at the storage.
func TestPageTellsAllThatASimulationDid(t *testing.T) {
	const unseen = "No provider told what else changes in storage, balances and code."
	for name, traced := range map[string]bool{"a provider that traces": true, "none that does": false} {
		t.Run(name, func(t *testing.T) {
			v := pauseView()
			v.Simulation.Traced = traced
			for i := range 12 {
				v.Simulation.Effects = append(v.Simulation.Effects, governance.Untrusted(fmt.Sprintf("%d raw units of <b>usdc</b> from the Safe to somebody", i+1)))
			}
			b := openTab(t, newFake(v), owner(0), phone)
			for _, path := range []string{signPath, "/p/P-12" + keyed} {
				b.open(path)
				b.sees("1 raw units of <b>usdc</b> from the Safe to somebody", "12 raw units of <b>usdc</b>")
				if said := js[bool](b, "document.body.innerText.includes('"+unseen+"')"); said == traced {
					t.Errorf("%s says %v that nobody looked at the storage", path, said)
				}
			}
		})
	}
}

func TestPageLeadsToTheRightChain(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	w.chain = 10
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.press("Connect Test Wallet")
	b.sees("The wallet is on chain id 10, this is for ethereum (chain id 1)")
	b.press("Switch the wallet to ethereum")
	b.sees("The wallet does not know this chain. Add it in the wallet, then try again.")
	w.mu.Lock()
	w.knows = true
	w.mu.Unlock()
	b.press("Switch the wallet to ethereum")
	b.press("Sign the pause at nonce 7")
	b.sees("recorded: 1 of 2.")
}

func TestPageFollowsTheWalletsAccount(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.press("Connect Test Wallet")
	b.sees("Sign the pause at nonce 7")
	w.mu.Lock()
	w.key = 3
	w.mu.Unlock()
	js[*int](b, "__emit('accountsChanged'), null")
	b.sees(addressOf(3).Hex() + " is not an owner of this Safe")
	b.lacks("Sign the pause")
	w.mu.Lock()
	w.key = 1
	w.mu.Unlock()
	b.press("Look again")
	b.press("Sign the pause at nonce 7")
	b.sees("recorded: 1 of 2.")
}

func TestPageTakesANoForAnAnswer(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	w.declines = true
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.press("Connect Test Wallet")
	b.press("Sign the pause at nonce 7")
	b.sees("You declined in the wallet. Nothing was signed or sent; you can try again.")
	w.mu.Lock()
	w.declines = false
	w.mu.Unlock()
	b.press("Sign the pause at nonce 7")
	b.sees("recorded: 1 of 2.")
}

func TestPageComparesWhatADeviceShows(t *testing.T) {
	v := pauseView()
	b := openTab(t, newFake(v), nil, phone)
	b.open(signPath)
	b.sees("No wallet was found in this browser")
	b.types("#compare", "0X"+v.MessageHash[2:])
	b.sees("Match: this is the message hash at nonce 7.")
	b.types("#compare", v.SafeTxs[1].SafeTxHash)
	b.sees("Match: this is the safeTxHash at nonce 8.")
	b.types("#compare", v.DomainHash[:18])
	b.sees("So far like the domain hash. 48 digits are missing")
	b.types("#compare", v.DomainHash[:65]+"0")
	b.sees("NO MATCH with any hash here")
}

func TestPageTakesAPastedSignature(t *testing.T) {
	f := newFake(pauseView())
	b := openTab(t, f, nil, phone)
	b.open(signPath)
	b.sees("Paste a signature made elsewhere")
	js[*int](b, "document.querySelectorAll('details').forEach((d) => { d.open = true; }), null")
	b.types("#signature", "my signature")
	b.press("Hand it in")
	b.sees("A signature is 0x and hex digits")
	b.types("#signature", signHash(3, hashOf(0)))
	b.press("Hand it in")
	b.sees("The signer is not an owner of the Safe.")
	b.types("#signature", signHash(2, hashOf(0)))
	b.press("Hand it in")
	b.sees("recorded: 1 of 2.")
	b.sees("belay hash", "--safe-version 1.4.1", "belay sign 'http")
}

func TestPageTellsWhenTheTransactionChanges(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.press("Connect Test Wallet")
	b.sees("Sign the pause at nonce 7")
	f.change("P-12", func(v *governance.View) {
		setTxs(v, safeTxView(testDomain, governance.PurposeDirect, safe.Tx{To: pauseCall.To, Data: pauseCall.Data, Nonce: 9}))
	})
	f.tell(coordinator.Notice{Proposal: "P-12", PublicID: publicID, Kind: "proposal"})
	b.sees("This changed while the page was open", "Sign the pause at nonce 9")
}

func TestPagesComeBackAfterTheServerWasAway(t *testing.T) {
	for name, path := range map[string]string{"the signing page": signPath, "the board": "/"} {
		t.Run(name, func(t *testing.T) {
			view := publicView()
			f := newFake(pauseView(), view)
			b := openTab(t, f, nil, phone)
			b.open(path)
			b.sees("Live")
			b.gone.Store(true)
			b.cut()
			b.sees("Reconnecting…", "Belay does not answer. What you see may be old")
			f.change("P-12", func(v *governance.View) { v.Title = "Told while nobody listened" })
			f.change("P-11", func(v *governance.View) { v.Title = "Told while nobody listened" })
			b.gone.Store(false)
			b.sees("Told while nobody listened", "Live")
			if !b.comes(`!document.body.innerText.includes("Belay does not answer")`) {
				t.Error("it is back, and the page says that it does not answer")
			}
		})
	}
}

// TestPageGoesOnOnceTheServerCanAnswer: nobody has to press anything for that.
func TestPageGoesOnOnceTheServerCanAnswer(t *testing.T) {
	f := newFake(pauseView())
	f.mute = true
	b := openTab(t, f, owner(0), phone)
	b.open(signPath)
	b.press("Connect Test Wallet")
	b.sees("Signing is off", "the providers do not agree")
	f.change("P-12", func(*governance.View) { f.mute = false })
	b.sees("Sign the pause at nonce 7")
}

func TestPageSaysCalmlyThatASignatureIsNotNeededAnyMore(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.press("Connect Test Wallet")
	b.sees("Sign the pause at nonce 7")
	f.change("P-12", func(v *governance.View) {
		done := governance.TransactionView{Role: governance.PurposeDirect, TxHash: common.Hash{7}.Hex(), Status: "mined", Block: 90}
		v.State, v.Status, v.Execution = governance.StateExecuted, "Paused", &done
	})
	b.press("Sign the pause at nonce 7")
	b.sees("is not needed any more: it is done already", "There is nothing to sign")
	b.lacks("Sign the pause at nonce 8")
}

func TestPageSaysWhatIsHiddenOrGone(t *testing.T) {
	f := newFake(pauseView())
	b := openTab(t, f, nil, phone)
	b.open("/p/P-12/sign")
	b.sees("There is nothing here that you may see")
	b.open("/link")
	b.sees("This address is not complete")
}

func TestLinkPageProvesAWallet(t *testing.T) {
	f, w := newFake(), owner(0)
	b := openTab(t, f, w, phone)
	b.open("/link#link-token")
	b.press("Connect Test Wallet")
	b.sees("amber otter climbs north", "U1", "1 Mar 2026, 12:18 UTC")
	b.keeps("link")
	if f.links["link-token"] {
		t.Error("looking at the link spent it")
	}
	b.press("Sign with Test Wallet")
	b.sees("Linked", "This wallet is alice’s from now on")
	if !f.links["link-token"] {
		t.Error("the signature did not spend the link")
	}
}

func TestLinkPageRefusesWhatAContractCouldUse(t *testing.T) {
	f, w := newFake(), owner(0)
	f.lies = true // the document is a permit
	b := openTab(t, f, w, phone)
	b.open("/link#link-token")
	b.press("Connect Test Wallet")
	b.sees("Do not sign", "a text that a contract could act on")
	if len(w.signed) > 0 {
		t.Error("the wallet was asked to sign")
	}
}

func TestBoardAndProposalPageFollowByThemselves(t *testing.T) {
	open := publicView()
	open.ID, open.PublicID, open.State, open.Title, open.Status = "P-10", "zz9k20ab", governance.StateQueued, "Raise the rate of DAI", "Waiting in the timelock, opens 2026-03-03T12:00:00Z"
	f := newFake(open, publicView())
	b := openTab(t, f, nil, phone)
	b.open("/")
	b.sees("What is going on", "Raise the rate of DAI", "opens 3 Mar 2026, 12:00 UTC", "Lower the supply cap of WETH", "core-timelock", "Live")
	b.keeps("board")
	f.change("P-10", func(v *governance.View) { v.Status = "The window is open. Sending" })
	f.tell(coordinator.Notice{Proposal: "P-10", PublicID: "zz9k20ab", Public: true, Kind: "proposal"})
	b.sees("The window is open")
	b.open("/p/h4zz0ww1")
	b.sees("What is signed", "Live")
	b.keeps("proposal")
	f.change("P-11", func(v *governance.View) { v.Notes = []string{"Two blocks deep now."} })
	f.tell(coordinator.Notice{Proposal: "P-11", PublicID: "h4zz0ww1", Public: true, Kind: "proposal"})
	b.sees("Two blocks deep now.")
}

// TestPagesFitASmallPhone opens everything that unfolds and looks for anything wider than the screen.
func TestPagesFitASmallPhone(t *testing.T) {
	v := pauseView()
	batch(&v, safe.MultiSendCallOnly()[1].Address)
	v.Title = "Pause " + longWord
	v.Dangers = []governance.DangerView{{Code: "owners", Text: "This changes the owners of the Safe: " + longWord}}
	v.Simulation.Effects = []governance.Untrusted{longWord + " 0x" + longWord}
	v.Safe.Name, v.OwnerNames[addressOf(0).Hex()] = longWord, longWord
	v.SafeTxs[0].Confirmations = []governance.ConfirmationView{{Owner: addressOf(0).Hex(), Kind: "ecdsa", At: "2026-03-01T12:05:00Z", Via: governance.ViaPage}}
	f := newFake(v, publicView())
	b := openTab(t, f, owner(1), small)
	for i, path := range []string{signPath, "/p/P-12" + keyed, "/", "/link#link-token"} {
		b.darkens(i%2 == 0)
		b.open(path)
		b.sees("Belay")
		b.comes("document.querySelector('#loading') === null")
		js[*int](b, "document.querySelectorAll('details').forEach((d) => { d.open = true; }), null")
		if wide := js[int](b, "document.documentElement.scrollWidth"); wide > int(small.width) {
			t.Errorf("%s is %d wide on a screen of %d: %s", path, wide, small.width, js[string](b, widest))
		}
		b.keeps("small" + map[string]string{signPath: "-sign", "/": "-board"}[path])
	}
}

const longWord = "Supercalifragilisticexpialidocious_and_then_some_more_of_it_without_any_space"

// widest names the elements that reach beyond the screen.
const widest = `[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40)).join('; ')`

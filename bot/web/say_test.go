package web

import (
	"testing"

	"belay/governance"
)

// TestPageSaysWithAWalletWhatIsANoteInChat: what is signed is a statement that can bind no contract.
func TestPageSaysWithAWalletWhatIsANoteInChat(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.unfold("Say something with your wallet")
	b.press("Sign and say it")
	b.sees("Connect your wallet first")
	b.press("Connect Test Wallet")
	b.sees("is an owner of this Safe")
	b.types("#say-text", "a false alarm")
	b.press("Sign and say it")
	b.sees("Said with "+addressOf(0).Hex(), "objects: a false alarm (with a wallet")
	if v := f.view("P-12"); len(v.Objections) != 1 || v.Objections[0].Wallet != addressOf(0).Hex() {
		t.Errorf("objections %+v", v.Objections)
	}
}

// TestPageSignsNoOtherStatementThanWasChosen: a server that offers another one is told on, and no wallet is asked.
func TestPageSignsNoOtherStatementThanWasChosen(t *testing.T) {
	f, w := newFake(pauseView()), owner(0)
	f.lies = true
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.press("Connect Test Wallet")
	b.unfold("Say something with your wallet")
	b.press("Sign and say it")
	b.sees("Belay offered something else to sign")
	if len(w.signed) != 0 {
		t.Error("the wallet was asked to sign it")
	}
}

// TestPageAsksNoOwnerBeforeTheRolesApproved, and lets whoever has the role approve.
func TestPageAsksNoOwnerBeforeTheRolesApproved(t *testing.T) {
	v := pauseView()
	v.Kind, v.Approve, v.Unapproved, v.Status = governance.KindParameter, []string{"risk"}, []string{"risk"}, "Needs approval by risk"
	f, w := newFake(v), owner(1)
	b := openTab(t, f, w, phone)
	b.open(signPath)
	b.sees("Needs approval by risk", "Owners are asked once it is approved by risk.")
	b.press("Connect Test Wallet")
	b.sees("Whoever has the role approves below")
	b.unfold("Say something with your wallet")
	b.press("Sign and say it")
	b.sees("Said with " + addressOf(1).Hex())
	if v := f.view("P-12"); len(v.Objections) != 1 || v.Objections[0].What != "approve" {
		t.Errorf("said is %+v", v.Objections)
	}
}

// unfold opens the part of the page whose heading this is.
func (b *tab) unfold(heading string) {
	b.t.Helper()
	find := "[...document.querySelectorAll('summary')].find((x) => x.innerText.startsWith(" + quoted(heading) + "))"
	if !b.comes(find + " !== undefined") {
		b.t.Fatalf("nothing to unfold is called %q; the page shows:\n%s", heading, b.text())
	}
	js[*int](b, find+".click(), null")
}

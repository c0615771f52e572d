package coordinator

import (
	"crypto/ecdsa"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

func TestAccountsBecomeMembersByTheirIDAlone(t *testing.T) {
	for name, c := range map[string]struct {
		who   Actor
		name  string
		roles []string
	}{
		"configured in Slack":              {Actor{Platform: "slack", Space: "T1", User: "U1"}, "alice", []string{"guardian", "signer"}},
		"configured in Discord":            {Actor{Platform: "discord", Space: "G", User: "3"}, "carol", []string{"signer"}},
		"with a role from a group":         {Actor{Platform: "discord", Space: "G", User: "3", Groups: []string{"9"}}, "carol", []string{"signer"}},
		"unknown, in a group with a role":  {Actor{Platform: "slack", Space: "T1", User: "U9", Groups: []string{"S1"}}, "slack:U9", []string{"guardian"}},
		"unknown, in another group":        {Actor{Platform: "slack", Space: "T1", User: "U9", Groups: []string{"S2"}}, "", nil},
		"the id of another platform":       {Actor{Platform: "discord", Space: "G", User: "U1"}, "", nil},
		"a group of another platform":      {Actor{Platform: "discord", Space: "G", User: "7", Groups: []string{"S1"}}, "", nil},
		"a name instead of an id":          {Actor{Platform: "slack", Space: "T1", User: "alice"}, "", nil},
		"an empty account of nobody's own": {Actor{Platform: "slack"}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c2, err := New(newRig(t, newMemory(t)).cfg)
			if err != nil {
				t.Fatal(err)
			}
			m, roles, err := c2.Member(t.Context(), c.who)
			if c.name == "" {
				refused(t, err, governance.CodeNotPermitted, "link")
				return
			}
			if err != nil || m.Name != c.name || !slices.Equal(roles, c.roles) {
				t.Errorf("got %s with %v, %v", m.Name, roles, err)
			}
		})
	}
}

func TestAGroupOfThePlatformMayPropose(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.propose(Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "slack:U9", Roles: []string{"guardian"}})
	})
}

// linkSignature signs what the page shows.
func (r *rig) linkSignature(token string, key *ecdsa.PrivateKey) []byte {
	r.t.Helper()
	data, err := r.c.LinkData(r.t.Context(), token, addressOf(key))
	if err != nil {
		r.t.Fatal(err)
	}
	var typed apitypes.TypedData
	if err := json.Unmarshal(data, &typed); err != nil {
		r.t.Fatal(err)
	}
	digest, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		r.t.Fatal(err)
	}
	return signature(key, common.BytesToHash(digest))
}

func (r *rig) beginLink(who Actor) (token string) {
	r.t.Helper()
	address, phrase, err := r.c.BeginLink(r.t.Context(), who)
	if err != nil || len(strings.Fields(phrase)) != 4 {
		r.t.Fatalf("phrase %q, %v", phrase, err)
	}
	_, token, _ = strings.Cut(address, "/link#")
	return token
}

func TestALinkBindsAnAccountToTheWalletsMember(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		stranger := Actor{Platform: "slack", Space: "T1", User: "U77"}
		token := r.beginLink(stranger)
		sig := r.linkSignature(token, bob)
		if m, err := r.c.Link(t.Context(), token, addressOf(bob), sig); err != nil || m.Name != "bob" {
			t.Fatalf("linked to %s, %v", m.Name, err)
		}
		_, err := r.c.Link(t.Context(), token, addressOf(bob), sig)
		refused(t, err, governance.CodeNotFound, "used")
		r.stop()
		r.start() // a link is in the store
		if m, roles, err := r.c.Member(t.Context(), stranger); err != nil || m.Name != "bob" || !slices.Contains(roles, "guardian") {
			t.Errorf("%s with %v, %v", m.Name, roles, err)
		}
		other := stranger
		other.Space = "T2"
		if _, _, err := r.c.Member(t.Context(), other); err == nil {
			t.Error("the same user id of another workspace is linked too")
		}
		if err := r.c.Unlink(t.Context(), stranger); err != nil {
			t.Fatal(err)
		}
		_, _, err = r.c.Member(t.Context(), stranger)
		refused(t, err, governance.CodeNotPermitted)
	})
}

func TestLinksThatAreRefusedSpendNoToken(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		token := r.beginLink(Actor{Platform: "slack", Space: "T1", User: "U77"})
		_, err := r.c.Link(t.Context(), token, addressOf(bob), r.linkSignature(token, alice))
		refused(t, err, governance.CodeMalformedSignature)
		_, err = r.c.Link(t.Context(), token, addressOf(mallory), r.linkSignature(token, mallory))
		refused(t, err, governance.CodeNotPermitted, addressOf(mallory).Hex())
		_, err = r.c.Link(t.Context(), "made up", addressOf(bob), nil)
		refused(t, err, governance.CodeNotFound)
		_, err = r.c.LinkData(t.Context(), "made up", addressOf(bob))
		refused(t, err, governance.CodeNotFound)
		if _, err := r.c.Link(t.Context(), token, addressOf(bob), r.linkSignature(token, bob)); err != nil {
			t.Errorf("the token is spent: %v", err)
		}
	})
}

func TestALinkIsForTenMinutes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		token := r.beginLink(Actor{Platform: "slack", Space: "T1", User: "U77"})
		sig := r.linkSignature(token, bob)
		r.pass(linkLife + time.Second)
		_, err := r.c.Link(t.Context(), token, addressOf(bob), sig)
		refused(t, err, governance.CodeNotFound, "ten minutes")
	})
}

func TestASecondLinkOfAnAccountEndsTheFirst(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		who := Actor{Platform: "slack", Space: "T1", User: "U77"}
		first, second := r.beginLink(who), r.beginLink(who)
		_, err := r.c.LinkData(t.Context(), first, addressOf(bob))
		refused(t, err, governance.CodeNotFound)
		r.linkSignature(second, bob)
	})
}

func TestALinkIsSpentOnceHoweverManyPostIt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		token := r.beginLink(Actor{Platform: "slack", Space: "T1", User: "U77"})
		sig := r.linkSignature(token, bob)
		done := make(chan error, 8)
		for range 8 {
			go func() { _, err := r.c.Link(t.Context(), token, addressOf(bob), sig); done <- err }()
		}
		won := 0
		for range 8 {
			if <-done == nil {
				won++
			}
		}
		if won != 1 {
			t.Errorf("spent %d times", won)
		}
	})
}

func TestOpinionsNeverCount(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		if _, err := r.c.Object(t.Context(), v.ID, "carol", "not now"); err != nil {
			t.Fatal(err)
		}
		seen, err := r.c.Respond(t.Context(), v.ID, "bob", "onit")
		if err != nil || len(seen.Objections) != 1 || len(seen.Responders) != 1 || seen.Status != "Needs 2 more" {
			t.Errorf("%q, %+v, %+v, %v", seen.Status, seen.Objections, seen.Responders, err)
		}
		r.signAll(v, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		_, err = r.c.Withdraw(t.Context(), v.ID, "alice")
		refused(t, err, governance.CodeNotOpen)
	})
}

package bot

import (
	"strings"
	"testing"

	"belay/bot/internal/testdesk"
	"belay/governance"
)

// TestACardSaysWhoVouchesForTheConfiguration: in its last line, for members.
func TestACardSaysWhoVouchesForTheConfiguration(t *testing.T) {
	v := testdesk.Sample()
	v.Manifest = &governance.ManifestView{Hash: "0x12345678" + strings.Repeat("ab", 28), SignedBy: []governance.SignedByView{{Member: "alice", At: "2026-11-21T09:00:00Z"}, {Member: "bob", At: "2026-11-22T09:00:00Z", Wallet: "0xAbCd00000000000000000000000000000000Ef01"}}}
	const line = ". Configuration 0x12345678… signed by alice on 2026-11-21, bob with 0xAbCd…Ef01 on 2026-11-22"
	if got := pictureLine(Draw(v, Reader{Audience: governance.AudienceWarRoom}).Footer); !strings.HasSuffix(got, line) {
		t.Errorf("the footer is %q", got)
	}
	if got := picture(Draw(v, Reader{Audience: governance.AudiencePublic})); strings.Contains(got, "alice on") {
		t.Errorf("the public reads\n%s", got)
	}
	v.Manifest.SignedBy = nil
	if got := pictureLine(Draw(v, Reader{Audience: governance.AudienceWarRoom}).Footer); strings.Contains(got, "onfiguration") {
		t.Errorf("unsigned, which a note tells, the footer is %q", got)
	}
}

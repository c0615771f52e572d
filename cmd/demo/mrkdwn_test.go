package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestMrkdwnShowsWhatSlackShows(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain words", "Needs 2 more", "Needs 2 more"},
		{"lines", "a\nb", "a<br>b"},
		{"bold, italics, strike", "*a* _b_ ~c~", "<b>a</b> <i>b</i> <s>c</s>"},
		{"code, with nothing in it interpreted", "`*a* <b>`", "<code>*a* &lt;b&gt;</code>"},
		{"bold around code is two things", "*a `b` c*", "*a <code>b</code> c*"},
		{"a mark inside a word marks nothing", "set_ltv_now 2*3*4", "set_ltv_now 2*3*4"},
		{"a mark before a blank marks nothing", "* a*", "* a*"},
		{"the three entities", "a &amp; b &lt;i&gt;", "a &amp; b &lt;i&gt;"},
		{"markup that is none of Slack's", `"x"`, "&#34;x&#34;"},
		{"a link", "<https://a.example/p?a=1&amp;b=2|Open>", `<a href="https://a.example/p?a=1&amp;b=2" rel="noreferrer">Open</a>`},
		{"a link that runs code is its words", "<javascript:alert(1)|Open>", "Open"},
		{"a date", "<!date^1700000000^{date} {time}|14 Nov>", `<time datetime="2023-11-14T22:13:20Z">14 Nov</time>`},
		{"a date that is none", "<!date^soon^{date}|14 Nov>", "14 Nov"},
		{"an emoji that a card uses", "✅ done", `<img class="emoji" src="/static/emoji-2705.svg" alt="✅"> done`},
		{"a bracket that never closes", "a <b", "a &lt;b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(mrkdwn(tt.in)); got != tt.want {
				t.Errorf("%q gives\n%s, want\n%s", tt.in, got, tt.want)
			}
		})
	}
}

func TestEveryPictureIsThere(t *testing.T) {
	for _, src := range regexp.MustCompile(`src="/(static/[^"]+)"`).FindAllStringSubmatch(string(mrkdwn("⏳⌛📨🕒🟢✅⛔⚪❌📝🔴")), -1) {
		if _, err := static.ReadFile(src[1]); err != nil {
			t.Error(err)
		}
	}
}

// tag is all the HTML that mrkdwn may make.
var tag = regexp.MustCompile(`</?(b|i|s|code|br)>|<a href="https?://[^"<>]*" rel="noreferrer">|</a>|<time datetime="[-0-9T:Z+]*">|</time>|<img class="emoji" src="/static/emoji-[0-9a-f]+\.svg" alt="[^"<>]+">`)

func FuzzBlocksNeverBecomeMarkup(f *testing.F) {
	f.Add(`*a* <https://x.example|y> <!date^1^{date}|z>`)
	f.Add("`<script>`_*~")
	f.Add(`<http://"onload=x|<b>`)
	f.Fuzz(func(t *testing.T, text string) {
		out := string(mrkdwn(text))
		if rest := tag.ReplaceAllString(out, ""); strings.ContainsAny(rest, `<>"`) {
			t.Errorf("%q becomes %q", text, out)
		}
		readBlocks([]byte(text))
		raw := encode([]map[string]any{{"type": "section", "text": map[string]string{"type": "plain_text", "text": text}}})
		for _, b := range readBlocks([]byte(raw)) {
			if rest := tag.ReplaceAllString(string(b.Text), ""); strings.ContainsAny(rest, `<>"`) {
				t.Errorf("plain text %q becomes %q", text, b.Text)
			}
		}
	})
}

func TestBlocksKeepWhatTheCardSays(t *testing.T) {
	blocks := readBlocks([]byte(`[
		{"type":"header","text":{"type":"plain_text","text":"P-1 · *not bold*"}},
		{"type":"section","text":{"type":"mrkdwn","text":"*Needs 1 more*"},"fields":[{"type":"mrkdwn","text":"a"}]},
		{"type":"divider"},
		{"type":"context","elements":[{"type":"mrkdwn","text":"small"},{"type":"plain_text","text":"print"}]},
		{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Object"},"action_id":"b:object:","value":"P-1","style":"danger"},
			{"type":"button","text":{"type":"plain_text","text":"Sign"},"action_id":"b:open:0","url":"http://127.0.0.1:1/p/P-1/sign"}]},
		{"type":"video"}]`))
	if len(blocks) != 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for i, want := range []string{"P-1 · *not bold*", "<b>Needs 1 more</b>", "", "small print ", "", "[a block of type &#34;video&#34;]"} {
		if got := string(blocks[i].Text); got != want {
			t.Errorf("block %d says %q, want %q", i, got, want)
		}
	}
	want := []button{{Label: "Object", Style: "danger", Action: "b:object:", Value: "P-1"}, {Label: "Sign", URL: "http://127.0.0.1:1/p/P-1/sign", Action: "b:open:0"}}
	if got := blocks[4].Buttons; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("buttons %+v", got)
	}
}

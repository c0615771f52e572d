package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"belay/configs"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"
)

func (p *program) playbook() *cobra.Command {
	c := &cobra.Command{Use: "playbook", Short: "writes and tries playbooks", Args: noSuchCommand, RunE: func(cmd *cobra.Command, _ []string) error { return usage(cmd.Help()) }}
	c.AddCommand(p.playbookNew(), p.playbookTest())
	return c
}

// beginnings is what a new playbook is made from.
type beginnings struct {
	abi, function, to, batch, name, kind, safe, out string
}

func (p *program) playbookNew() *cobra.Command {
	b := beginnings{}
	c := &cobra.Command{Use: "new (--abi F --function f --to ADDRESS | --batch F)", Short: "writes a playbook that calls one function, or what a Transaction Builder batch calls", Args: cobra.NoArgs}
	f := c.Flags()
	f.StringVar(&b.abi, "abi", "", "a JSON ABI")
	f.StringVar(&b.function, "function", "", "a function of it: its name, or its signature where there are several")
	f.StringVar(&b.to, "to", "", "the contract to call")
	f.StringVar(&b.batch, "batch", "", "a batch of the Safe Transaction Builder; its values become fixed")
	f.StringVar(&b.name, "name", "", "what people will type (default: made of the function's name)")
	f.StringVar(&b.kind, "kind", "custom", "parameter, unpause, migrate or custom")
	f.StringVar(&b.safe, "safe", "", "the Safe that calls (default: the configuration's first)")
	f.StringVar(&b.out, "out", "", "the file to write, - for standard output (default: playbooks/NAME.yaml beside the configuration)")
	c.RunE = func(*cobra.Command, []string) error {
		if b.safe == "" {
			b.safe = p.firstSafe()
		}
		name, text, err := b.write()
		if err != nil {
			return usage(err)
		}
		return p.keepPlaybook(b.out, name, text)
	}
	return c
}

// firstSafe names the first Safe of the configuration, where one can be read.
func (p *program) firstSafe() string {
	if cfg, err := configs.Load(p.configFile, configs.WithoutSecrets()); err == nil && len(cfg.Safes) > 0 {
		return cfg.Safes[0].Name
	}
	return "guardian"
}

// keepPlaybook writes the file, and never over another one.
func (p *program) keepPlaybook(out, name, text string) error {
	if out == "-" {
		_, err := fmt.Fprint(p.out, text)
		return err
	}
	if out == "" {
		out = filepath.Join(filepath.Dir(p.configFile), "playbooks", name+".yaml")
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the user names it
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s exists: choose another --name or --out", out)
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return p.print(map[string]string{"file": out, "name": name}, fmt.Sprintf("Wrote %s. Next: give it expect, bounds and samples (docs/playbooks.md), then `belay playbook test %s`", out, name))
}

// draftCall is one call of a new playbook.
type draftCall struct {
	to       string
	function calldata.Function
	args     []string // YAML scalars or flow lists; templates for parameters
}

// draftParam is one parameter of a new playbook.
type draftParam struct{ name, kind string }

// write gives the playbook's text, in the form of the examples.
func (b beginnings) write() (name, text string, err error) {
	if !slices.Contains([]string{"parameter", "unpause", "migrate", "custom"}, b.kind) {
		return "", "", fmt.Errorf("--kind %q: use parameter, unpause, migrate or custom. A pause is earned: write it as custom, then give it expect and list its calls in pause_list", b.kind)
	}
	var calls []draftCall
	var params []draftParam
	switch {
	case b.batch != "" && b.abi == "":
		calls, err = b.fromBatch()
	case b.abi != "" && b.batch == "":
		calls, params, err = b.fromABI()
	default:
		err = errors.New("say from what: --abi F --function f --to ADDRESS, or --batch F")
	}
	if err != nil {
		return "", "", err
	}
	if name = b.name; name == "" {
		name = snake(calls[0].function.Name, "-")
	}
	if !playbookName.MatchString(name) {
		return "", "", fmt.Errorf("--name %q: 1 to 32 of a-z, 0-9, _ and -, a letter first", name)
	}
	return name, playbookText(name, b.kind, b.safe, calls, params), nil
}

var playbookName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

func (b beginnings) fromABI() ([]draftCall, []draftParam, error) {
	to, err := calldata.ParseAddress(b.to)
	if err != nil {
		return nil, nil, fmt.Errorf("--to: %w", err)
	}
	text, err := os.ReadFile(b.abi)
	if err != nil {
		return nil, nil, err
	}
	functions, err := calldata.ParseABI(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", b.abi, err)
	}
	f, err := chosen(functions, b.function)
	if err != nil {
		return nil, nil, fmt.Errorf("--function %q: %w", b.function, err)
	}
	call := draftCall{to: to.Hex(), function: f}
	var params []draftParam
	for i, in := range f.Inputs {
		name := paramName(in.Name, i, params)
		params = append(params, draftParam{name, in.Type.String()})
		call.args = append(call.args, strconv.Quote("{{"+name+"}}"))
	}
	return []draftCall{call}, params, nil
}

// chosen finds a function by name or signature.
func chosen(functions []calldata.Function, wanted string) (calldata.Function, error) {
	var fits []calldata.Function
	var names []string
	for _, f := range functions {
		if f.Name == wanted || f.Signature() == wanted {
			fits = append(fits, f)
		}
		names = append(names, f.Signature())
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		return calldata.Function{}, errors.New("there are several of that name: give the whole signature")
	}
	return calldata.Function{}, fmt.Errorf("the ABI has no such function; it has %s", strings.Join(names, ", "))
}

// paramName makes a parameter's name of an input's, one that nobody has yet.
func paramName(given string, i int, taken []draftParam) string {
	name := snake(given, "_")
	if !playbookName.MatchString(name) || name == "reason" {
		name = fmt.Sprintf("arg%d", i+1)
	}
	for slices.ContainsFunc(taken, func(p draftParam) bool { return p.name == name }) {
		name = fmt.Sprintf("arg%d", i+1)
		i += len(taken)
	}
	return name
}

// snake turns setReservePause into set-reserve-pause.
func snake(name, dash string) string {
	var b strings.Builder
	for i, r := range strings.Trim(name, "_") {
		switch {
		case unicode.IsUpper(r) && i > 0:
			b.WriteString(dash + string(unicode.ToLower(r)))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// fromBatch takes the calls of a batch file. Calls that give only data need the ABI that names them.
func (b beginnings) fromBatch() ([]draftCall, error) {
	text, err := os.ReadFile(b.batch)
	if err != nil {
		return nil, err
	}
	batch, err := calldata.ReadBatchFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.batch, err)
	}
	var calls []draftCall
	for i, call := range batch.Calls {
		one, err := fixedCall(call, batch.Functions[i])
		if err != nil {
			return nil, fmt.Errorf("%s: call %d: %w", b.batch, i+1, err)
		}
		calls = append(calls, one)
	}
	return calls, nil
}

func fixedCall(call safe.Call, f calldata.Function) (draftCall, error) {
	if known, ok := knownFunction(call.Data); f.Name == "" && ok {
		f = known
	}
	switch {
	case !call.Value.IsZero():
		return draftCall{}, errors.New("it sends value, which a playbook's calls do not")
	case call.To == common.Address{}:
		return draftCall{}, errors.New("it goes to the zero address")
	case f.Name == "":
		return draftCall{}, errors.New("its data name no known function: add its contractMethod in the Transaction Builder")
	}
	args, err := f.DecodeInput(call.Data)
	if err != nil {
		return draftCall{}, err
	}
	one := draftCall{to: call.To.Hex(), function: f}
	for _, a := range args {
		one.args = append(one.args, strconv.Quote(a.Text()))
	}
	return one, nil
}

func knownFunction(data []byte) (calldata.Function, bool) {
	if len(data) < 4 {
		return calldata.Function{}, false
	}
	return calldata.Builtin([4]byte(data))
}

// playbookText lays a playbook out.
func playbookText(name, kind, safeName string, calls []draftCall, params []draftParam) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("name: %s", name)
	line("title: %q                # what people read", title(name))
	line("kind: %s", kind)
	line("safe: %s", safeName)
	line("via: direct                  # or the name of a timelock")
	if len(params) > 0 {
		line("params:                      # narrow them: choices, min, max, max_change")
	}
	for _, p := range params {
		line("  %s: {type: %q, required: true}   # sample: what `belay check` tries", p.name, p.kind)
	}
	line("calls:")
	for _, c := range calls {
		line("  - {to: %q, function: %q, args: [%s]}", c.to, c.function.String(), strings.Join(c.args, ", "))
	}
	line("expect: []                   # what is true once it worked, such as")
	line(`  # - {call: {to: "0x…", function: "paused() returns (bool)", args: []}, equals: true}`)
	line("policy: {propose: [guardian], expires: 72h, visibility: %s}", map[string]string{"parameter": "public", "unpause": "public", "migrate": "after_execution", "custom": "private"}[kind])
	return b.String()
}

func title(name string) string {
	text := strings.NewReplacer("-", " ", "_", " ").Replace(name)
	return strings.ToUpper(text[:1]) + text[1:]
}

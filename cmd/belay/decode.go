package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"belay/configs"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"
)

// decoded is what `belay decode --json` prints.
type decoded struct {
	Text    string               `json:"text"`
	Calls   []calldata.Described `json:"calls"`
	Dangers []calldata.Danger    `json:"dangers"`
}

// decoding is what the flags of `belay decode` say.
type decoding struct {
	in   hashInput
	file string
	abis []string
}

func (p *program) decode() *cobra.Command {
	d := decoding{in: hashInput{Value: "0", Data: "0x", Operation: "0"}}
	c := &cobra.Command{Use: "decode", Short: "calldata in words, batches opened, dangers named; offline", Args: cobra.NoArgs,
		Long: "Says in words what a transaction does, opens batches, timelock operations and transactions of other Safes, and names what is dangerous. It asks nobody.\n" +
			"With --config it knows the labels, ABIs and playbooks of that configuration, too.",
		Example: "  belay decode --to 0x… --data 0xa9059cbb…\n  belay decode --file batch.json --abi pool.json\n  belay --config belay.yaml decode --file typed-data.json"}
	f := c.Flags()
	f.StringVar((*string)(&d.in.To), "to", "", "target")
	f.StringVar((*string)(&d.in.Data), "data", "0x", "calldata, 0x…")
	f.StringVar((*string)(&d.in.Value), "value", "0", "wei")
	f.StringVar((*string)(&d.in.Operation), "operation", "0", "0 call, 1 delegatecall")
	f.StringVar((*string)(&d.in.SafeVersion), "safe-version", "", "the Safe's version: some dangers depend on it")
	f.StringVar(&d.file, "file", "", "a proposal as the API gives it, the typed data that a wallet shows, or a batch of the Safe Transaction Builder")
	f.StringArrayVar(&d.abis, "abi", nil, "a JSON ABI to know more functions by; may be repeated")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := besideFile(cmd, d.file, []string{"to", "data", "value", "operation"}); err != nil {
			return err
		}
		var cfg *configs.Config
		if cmd.Flags().Changed("config") || os.Getenv("BELAY_CONFIG") != "" {
			var err error
			if cfg, err = p.load(configs.WithoutSecrets()); err != nil {
				return err
			}
		}
		result, err := d.run(cfg)
		if err != nil {
			return usage(err)
		}
		return p.print(result, result.terminal())
	}
	return c
}

// run decodes a batch file call by call, and everything else as one transaction.
func (d decoding) run(cfg *configs.Config) (decoded, error) {
	var text []byte
	if d.file != "" {
		var err error
		if text, err = os.ReadFile(d.file); err != nil {
			return decoded{}, err
		}
		kind, _, err := kindOf(text)
		if err != nil {
			return decoded{}, fmt.Errorf("%s: %w", d.file, err)
		}
		if kind == fileOfBatch {
			return d.batch(cfg, text)
		}
	}
	domain, tx, err := d.transaction(text)
	if err != nil {
		return decoded{}, err
	}
	book, err := d.book(cfg, domain.ChainID)
	if err != nil {
		return decoded{}, err
	}
	return newDecoded(book.DescribeTx(tx), book.Dangers(domain, tx)), nil
}

// transaction reads what is to be decoded. Given by flags it belongs to no Safe in particular.
func (d decoding) transaction(file []byte) (domain safe.Domain, tx safe.Tx, err error) {
	if file != nil {
		in := plainInput()
		in.SafeVersion = cmp.Or(d.in.SafeVersion, in.SafeVersion)
		if domain, tx, err = in.read(file); err != nil {
			err = fmt.Errorf("%s: %w", d.file, err)
		}
		return domain, tx, err
	}
	r := fieldReader{}
	tx = safe.Tx{To: r.address("to", d.in.To), Value: r.uint256("value", d.in.Value), Data: r.bytes("data", d.in.Data), Operation: r.anyOperation(d.in.Operation)}
	if d.in.SafeVersion != "" {
		domain.Version = r.version(d.in.SafeVersion)
	}
	return domain, tx, r.err
}

// batch decodes the calls of a Safe Transaction Builder file. Functions that only the file knows name its own targets alone.
func (d decoding) batch(cfg *configs.Config, text []byte) (decoded, error) {
	b, err := calldata.ReadBatchFile(text)
	if err != nil {
		return decoded{}, fmt.Errorf("%s: %w", d.file, err)
	}
	book, err := d.book(cfg, b.ChainID)
	if err != nil {
		return decoded{}, err
	}
	named := map[common.Address][]calldata.Function{}
	for i, f := range b.Functions {
		if _, known := book.Function(b.Calls[i].To, f.Selector()); f.Name != "" && !known {
			named[b.Calls[i].To] = append(named[b.Calls[i].To], f)
		}
	}
	if book, err = book.WithContracts(named); err != nil {
		return decoded{}, fmt.Errorf("%s: %w", d.file, err)
	}
	var calls []calldata.Described
	var dangers []calldata.Danger
	for to, functions := range named {
		for _, f := range functions {
			selector := f.Selector()
			dangers = append(dangers, calldata.Danger{Code: "named_by_file", Text: fmt.Sprintf(
				"%s on %s is what the file calls selector 0x%x; nothing else says so, and other functions can have the same selector", f.Signature(), to.Hex(), selector[:])})
		}
	}
	if b.Checksum == calldata.ChecksumWrong {
		dangers = append(dangers, calldata.Danger{Code: "checksum", Text: "the file's checksum is wrong: it was changed after it was exported"})
	}
	for _, call := range b.Calls {
		calls = append(calls, book.Describe(call))
		dangers = append(dangers, book.Dangers(safe.Domain{}, safe.Tx{To: call.To, Value: call.Value, Data: call.Data})...)
	}
	return newDecoded(calls, dangers), nil
}

// book knows the standard functions, those of --abi, and what the configuration says, if there is one.
func (d decoding) book(cfg *configs.Config, chainID uint64) (*calldata.Book, error) {
	var functions []calldata.Function
	for _, file := range d.abis {
		text, err := os.ReadFile(file) //nolint:gosec // the user names it
		if err != nil {
			return nil, err
		}
		more, err := calldata.ParseABI(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		functions = append(functions, more...)
	}
	if cfg == nil {
		return calldata.NewBook(functions, nil)
	}
	everywhere, bound, err := functionsOf(cfg.ABIs)
	if err != nil {
		return nil, err
	}
	playbooks, _ := compilePlaybooks(cfg) // one that does not compile names nothing
	for _, pb := range playbooks {
		functions = append(functions, pb.Functions()...)
	}
	book, err := calldata.NewBook(append(functions, everywhere...), labels(cfg))
	if err != nil {
		return nil, err
	}
	here := map[common.Address][]calldata.Function{}
	for _, c := range bound {
		if chainID == 0 || chainNamed(cfg, c.Chain) == chainID {
			here[c.Address] = append(here[c.Address], c.Functions...)
		}
	}
	return book.WithContracts(here)
}

func chainNamed(cfg *configs.Config, name string) uint64 {
	for _, c := range cfg.Chains {
		if c.Name == name {
			return c.ID
		}
	}
	return 0
}

func newDecoded(calls []calldata.Described, dangers []calldata.Danger) decoded {
	lines := make([]string, len(calls))
	for i, c := range calls {
		lines[i] = c.Text
	}
	dangers = slices.Compact(dangers) // the same is said of several calls
	return decoded{Text: strings.Join(lines, "\n"), Calls: append([]calldata.Described{}, calls...), Dangers: append([]calldata.Danger{}, dangers...)}
}

// terminal lays the calls out with what is within them, and the dangers behind.
func (d decoded) terminal() string {
	var b strings.Builder
	var outline func(calls []calldata.Described, indent string)
	outline = func(calls []calldata.Described, indent string) {
		for i, c := range calls {
			fmt.Fprintf(&b, "%s%d. %s\n", indent, i+1, c.Text)
			if c.Function != "" {
				fmt.Fprintf(&b, "%s   %s, selector 0x%x\n", indent, c.Function, c.Data[:4])
			}
			outline(c.Inner, indent+"   ")
		}
	}
	outline(d.Calls, "")
	for _, danger := range d.Dangers {
		fmt.Fprintf(&b, "DANGER %s: %s\n", danger.Code, danger.Text)
	}
	if len(d.Dangers) == 0 {
		b.WriteString("No danger is known in this. It says nothing about whether it is wanted.\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

package configs

import "github.com/ethereum/go-ethereum/common"

// Config is a whole configuration with defaults filled in and playbooks read.
type Config struct {
	HTTP      HTTP
	Store     Store
	Chains    []Chain
	Safes     []Safe
	Timelocks []Timelock
	Members   []Member
	Roles     []Role
	Labels    []Label
	Privacy   Privacy
	Commands  Commands
	Discord   *Discord // nil: not used
	Slack     *Slack   // nil: not used
	Manifest  Manifest
	Playbooks []*Playbook // by file name
	ABIs      []ABI       // by file name
	PauseList []PauseEntry

	// Warnings are doubts that do not keep Belay from running.
	Warnings []Problem

	places places
}

// HTTP is where Belay listens.
type HTTP struct {
	Listen         string
	PublicURL      string // the one origin that people learn, without a trailing slash
	AdminListen    string
	APIToken       Secret // the operator's bearer token; not set: routes that need it refuse
	TrustedProxies []string
}

// Store is where the database lies. Paths are resolved beside the configuration file.
type Store struct {
	Path       string
	LogKeyFile string // Ed25519; made 0600 at first start
}

// Chain is one chain with its providers.
type Chain struct {
	Name          string
	ID            uint64
	RPC           []RPC
	PrivateRPC    []RPC    // endpoints that transactions are sent to besides; nothing is read from them
	Agreement     int      // providers that must say the same
	Confirmations int      // head − inclusion + 1; 0: the finalized tag
	Relayer       *Relayer // nil: nothing is sent by Belay, people send from their wallets
	GasCap        uint64   // gas units that one transaction may have
	Legacy        bool     // the chain takes transactions of type 0 alone
	Broadcast     string   // both | private_first | public
	Explorer      string   // without a trailing slash; "" when none
}

// RPC is one provider. Its URL may hold a key; people see the name alone.
type RPC struct {
	Name string
	URL  Secret
	WS   Secret // where new heads are pushed; not set: they are only polled for
}

// Relayer holds the keys that pay gas, and what they may spend.
type Relayer struct {
	Routine          SigningKey
	Emergency        []SigningKey // for pauses; empty: the routine key is used
	MaxFeeGwei       uint64       // cap of maxFeePerGas
	EmergencyMaxGwei uint64
	DailyBudget      Amount // for what is not an emergency; Wei nil: none
}

// SigningKey is one relayer key, in one of three forms.
type SigningKey struct {
	Hex      Secret        // 32 bytes in hex
	Keystore *Keystore     // an encrypted file
	Remote   *RemoteSigner // another program keeps it
}

// Keystore is a key in Web3 Secret Storage. It is not opened yet.
type Keystore struct {
	File     string
	JSON     []byte // what the file holds; nil when secrets are skipped
	Password Secret
}

// RemoteSigner is a program that signs with a key that never leaves it.
type RemoteSigner struct {
	URL     Secret
	Address common.Address
	Kind    string // web3signer | clef
	Token   Secret // sent as a bearer token; not set: none
}

// Safe is one guarded Safe.
type Safe struct {
	Name            string
	Chain           string
	Address         common.Address
	AllowUnverified bool // its code is none that was published, and the operator knows it
}

// Timelock is one timelock in front of a protocol.
type Timelock struct {
	Name      string
	Chain     string
	Address   common.Address
	Kind      string // openzeppelin
	FromBlock uint64 // where its logs begin
	Canceller string // the Safe that may veto; `belay check` proves that it may. "" when none
}

// Member is a known person.
type Member struct {
	Name    string
	Roles   []string
	Discord string // the platform's immutable id; "" when none
	Slack   string
	Wallets []common.Address
	Public  bool // with privacy.public_names opt_in: the public may read the name
}

// Role says which groups of the chat platforms give a role, besides the members that carry it.
type Role struct {
	Name         string
	DiscordRoles []string
	SlackGroups  []string
}

// Label is a name for an address.
type Label struct {
	Address common.Address
	Name    string
}

// Privacy says whose names the public may read.
type Privacy struct {
	PublicNames string // none | opt_in | all
}

// Commands are the slash commands' names.
type Commands struct{ Root, Pause, Propose string }

// Discord is one guild.
type Discord struct {
	ApplicationID string
	PublicKey     string // hex, 32 bytes; checks interactions in http mode
	GuildID       string
	Token         Secret
	Mode          string // gateway | http
	WarRoom       string // channel id
	Community     string // channel id; "" when none
	APIURL        string // without a trailing slash
}

// Slack is one workspace.
type Slack struct {
	TeamID        string
	BotToken      Secret
	AppToken      Secret // socket mode
	SigningSecret Secret // http mode
	Mode          string // socket | http
	WarRoom       string
	Community     string
	APIURL        string // with a trailing slash
}

// ABI is one JSON ABI as it was read: an array, or an object that holds one under "abi". It holds for every contract, or for
// the one that it is bound to.
type ABI struct {
	File  string
	JSON  []byte
	Bound *Binding
}

// Binding says which contract an ABI was written for. Hashes are Keccak-256 of deployed code; zero where none was given.
type Binding struct {
	Chain              string
	Address            common.Address
	CodeHash           common.Hash
	ImplementationHash common.Hash // of the code that a proxy runs

	path string
}

// PauseEntry is one call that playbooks of kind pause may make. An argument is "*" or a fixed value.
type PauseEntry struct {
	To       string
	Function string
	Args     []any
	Where    string // file:line
}

// Where gives "file:line" of a value of the main file by its path, such as "safes[0].address".
func (c *Config) Where(path string) string { return c.places.String(path) }

package safe

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// Deployment is a published contract: where it lives and the Keccak-256 of its code. A chain may have any of them or none;
// what counts is the code hash read there.
type Deployment struct {
	Contract string // "Safe", "SafeL2", "MultiSendCallOnly"; "GnosisSafe" before 1.4
	Version  Version
	Family   string // canonical, eip155 (chains with replay protection), zksync (EraVM code)
	Address  common.Address
	CodeHash common.Hash
}

// Singletons returns the published implementations behind which Safe proxies stand, oldest first.
func Singletons() []Deployment { return slices.Clone(singletons) }

// MultiSendCallOnly returns the published batch libraries in the order of preference: newest first.
// The full MultiSend is missing on purpose, because it lets a batch item delegatecall.
func MultiSendCallOnly() []Deployment { return slices.Clone(multiSendCallOnly) }

// KnownSingleton tells which version an implementation is and how far that is proven: VerifiedByAddress when address and
// code are those of one published deployment, VerifiedByCode when only the code is. Code that was never published gives
// false, at a published address too; all that is left then is what VERSION() claims.
func KnownSingleton(address common.Address, codeHash common.Hash) (Version, Verification, bool) {
	found, proof := known(singletons, address, codeHash)
	return found.Version, proof, proof != VerifiedByProvider
}

// KnownMultiSendCallOnly reports whether code is that of a published MultiSendCallOnly, whatever its address.
func KnownMultiSendCallOnly(address common.Address, codeHash common.Hash) (Version, Verification, bool) {
	found, proof := known(multiSendCallOnly, address, codeHash)
	return found.Version, proof, proof != VerifiedByProvider
}

// IsMultiSendCallOnly reports whether address is a published MultiSendCallOnly on some chain. It is all that can be said
// without a chain; with one, compare the code hash too.
func IsMultiSendCallOnly(address common.Address) bool {
	return slices.ContainsFunc(multiSendCallOnly, func(d Deployment) bool { return d.Address == address })
}

func known(list []Deployment, address common.Address, codeHash common.Hash) (Deployment, Verification) {
	var found Deployment
	proof := VerifiedByProvider
	for _, d := range list {
		switch {
		case d.CodeHash != codeHash:
		case d.Address == address:
			return d, VerifiedByAddress
		default:
			found, proof = d, VerifiedByCode
		}
	}
	return found, proof
}

// Addresses and code hashes are data of @safe-global/safe-deployments 1.37.63 (MIT), assets/v1.0.0 to v1.5.0.
var singletons = []Deployment{
	{"GnosisSafe", V1_0_0, "canonical",
		common.HexToAddress("0xb6029EA3B2c51D09a50B53CA8012FeEB05bDa35A"),
		common.HexToHash("0xe1f1593df76e69abc2d692792c80f329457551d5e83dde597546a1d58764da80")},
	{"GnosisSafe", V1_1_1, "canonical",
		common.HexToAddress("0x34CfAC646f301356fAa8B21e94227e3583Fe3F5F"),
		common.HexToHash("0x56b8be58b5ad629a621593a2e5e5e8e9a28408dc06e95597497b303902772e45")},
	{"GnosisSafe", V1_2_0, "canonical",
		common.HexToAddress("0x6851D6fDFAfD08c0295C392436245E5bc78B0185"),
		common.HexToHash("0x2ae2d1231f0d754a7fa4f5e5d0e5554085e1b500d8e09f95aaaaa3f49c0db922")},
	{"GnosisSafe", V1_3_0, "canonical",
		common.HexToAddress("0xd9Db270c1B5E3Bd161E8c8503c55cEABeE709552"),
		common.HexToHash("0xbba688fbdb21ad2bb58bc320638b43d94e7d100f6f3ebaab0a4e4de6304b1c2e")},
	{"GnosisSafe", V1_3_0, "eip155",
		common.HexToAddress("0x69f4D1788e39c87893C980c06EdF4b7f686e2938"),
		common.HexToHash("0xbba688fbdb21ad2bb58bc320638b43d94e7d100f6f3ebaab0a4e4de6304b1c2e")},
	{"GnosisSafe", V1_3_0, "zksync",
		common.HexToAddress("0xB00ce5CCcdEf57e539ddcEd01DF43a13855d9910"),
		common.HexToHash("0x551b7fdfd2dbcec4f785059e1ef6e0b40ca2e44d792158c4e825bc0b092f15e9")},
	{"GnosisSafeL2", V1_3_0, "canonical",
		common.HexToAddress("0x3E5c63644E683549055b9Be8653de26E0B4CD36E"),
		common.HexToHash("0x21842597390c4c6e3c1239e434a682b054bd9548eee5e9b1d6a4482731023c0f")},
	{"GnosisSafeL2", V1_3_0, "eip155",
		common.HexToAddress("0xfb1bffC9d739B8D520DaF37dF666da4C687191EA"),
		common.HexToHash("0x21842597390c4c6e3c1239e434a682b054bd9548eee5e9b1d6a4482731023c0f")},
	{"GnosisSafeL2", V1_3_0, "zksync",
		common.HexToAddress("0x1727c2c531cf966f902E5927b98490fDFb3b2b70"),
		common.HexToHash("0xe2ca068330339d608367d83a0b25545efe39e619098597699ab8ff828cb1ddd8")},
	{"Safe", V1_4_1, "canonical",
		common.HexToAddress("0x41675C099F32341bf84BFc5382aF534df5C7461a"),
		common.HexToHash("0x1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4")},
	{"Safe", V1_4_1, "zksync",
		common.HexToAddress("0xC35F063962328aC65cED5D4c3fC5dEf8dec68dFa"),
		common.HexToHash("0xfa4d4fc0fa9f1a061571a3f3f66502464edf1a519ab1ab93dc232addf4fbe30f")},
	{"SafeL2", V1_4_1, "canonical",
		common.HexToAddress("0x29fcB43b46531BcA003ddC8FCB67FFE91900C762"),
		common.HexToHash("0xb1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff")},
	{"SafeL2", V1_4_1, "zksync",
		common.HexToAddress("0x610fcA2e0279Fa1F8C00c8c2F71dF522AD469380"),
		common.HexToHash("0x520462ebe1156cd2d37b1d470c57f23e12fe0c4cda4c62502d96e03fa0cb44da")},
	{"Safe", V1_5_0, "canonical",
		common.HexToAddress("0xFf51A5898e281Db6DfC7855790607438dF2ca44b"),
		common.HexToHash("0xdda019cbd7c867a533a2a86e5c53434fdc50b13122b5a5ddb4a8df61b31c20f2")},
	{"SafeL2", V1_5_0, "canonical",
		common.HexToAddress("0xEdd160fEBBD92E350D4D398fb636302fccd67C7e"),
		common.HexToHash("0x180193227186ccb85316c94db1f0d156ed932b14712cfaac78901899178572dc")},
}

var multiSendCallOnly = []Deployment{
	{"MultiSendCallOnly", V1_5_0, "canonical",
		common.HexToAddress("0xA83c336B20401Af773B6219BA5027174338D1836"),
		common.HexToHash("0xcdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663")},
	{"MultiSendCallOnly", V1_4_1, "canonical",
		common.HexToAddress("0x9641d764fc13c8B624c04430C7356C1C7C8102e2"),
		common.HexToHash("0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939")},
	{"MultiSendCallOnly", V1_4_1, "zksync",
		common.HexToAddress("0x0408EF011960d02349d50286D20531229BCef773"),
		common.HexToHash("0x44c70b30fed5c3a07358a52c2fb028f651031010ef99e4d8c3b45c208e88a264")},
	{"MultiSendCallOnly", V1_3_0, "canonical",
		common.HexToAddress("0x40A2aCCbd92BCA938b02010E17A5b8929b49130D"),
		common.HexToHash("0xa9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad")},
	{"MultiSendCallOnly", V1_3_0, "eip155",
		common.HexToAddress("0xA1dabEF33b3B82c7814B6D82A79e50F4AC44102B"),
		common.HexToHash("0xa9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad")},
	{"MultiSendCallOnly", V1_3_0, "zksync",
		common.HexToAddress("0xf220D3b4DFb23C4ade8C88E526C1353AbAcbC38F"),
		common.HexToHash("0x064ddbf252714bcd4cb79f679e8c12df96d998ce07bbb13b3118c1dbf4a31942")},
}

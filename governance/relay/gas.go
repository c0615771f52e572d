package relay

// Gas limits of a relayed transaction, in gas units.
const (
	// MaxGas is the most that one transaction may use on Ethereum since EIP-7825 (https://eips.ethereum.org/EIPS/eip-7825).
	MaxGas = 1 << 24
	// blindGas is for a call that could not be estimated. Unused gas is not paid for.
	blindGas = 3_000_000
	// gasFloor covers what a fixed share cannot: cold storage that another transaction of the block made cold again.
	gasFloor = 20_000
)

// Gas is the limit to send with: the estimate and a quarter and 20,000 more, because the state that was estimated on is
// not the state of the block that includes it. The chain's cap on one transaction (0: MaxGas) bounds it. An estimate of zero
// means that none could be had. FitsGas tells beforehand whether a call fits the chain at all.
func Gas(estimate, chainCap uint64) uint64 {
	limit := capOr(chainCap)
	if estimate == 0 {
		return min(blindGas, limit)
	}
	if estimate >= limit {
		return limit
	}
	return min(estimate+estimate/4+gasFloor, limit)
}

// FitsGas reports whether a call that was estimated at this much gas can be mined on the chain. One that cannot is
// refused when it is proposed, not when it is sent.
func FitsGas(estimate, chainCap uint64) bool { return estimate <= capOr(chainCap) }

func capOr(chainCap uint64) uint64 {
	if chainCap == 0 {
		return MaxGas
	}
	return chainCap
}

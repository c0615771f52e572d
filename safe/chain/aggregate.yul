// The code that a batch of reads runs, at the zero address, for the time of one eth_call (see aggregate.go). Every call is made in a frame
// that is reverted afterwards, so that none sees what another did, and by the zero address, as a call without a sender is.
//
// In:  the number of calls, then for each: a word of target (20 bytes) and length of the calldata (12 bytes), and the calldata.
// Out: for each call: a word of how it ended (16 bytes) and length of what it returned (16 bytes), and that.
//      0: it reverted. 1: it succeeded. 2: it used more than half of the gas that it was given, and might end otherwise with more.
object "Aggregate" {
    code {
        // Whoever comes here by way of a contract finds what is there otherwise: nothing.
        if or(address(), caller()) { stop() }
        let left := calldataload(0)

        // One call, in its own frame: none left, then its record.
        if iszero(left) {
            let record := calldataload(32)
            let size := and(record, 0xffffffffffffffffffffffff)
            calldatacopy(0, 64, size)
            let given := gas()
            let how := call(given, shr(96, record), 0, 0, size, 0, 0)
            if gt(sub(given, gas()), shr(1, given)) { how := 2 }
            mstore(0, or(shl(128, how), returndatasize()))
            returndatacopy(32, 0, returndatasize())
            revert(0, add(32, returndatasize()))
        }

        // All of them. What is written grows from 0; behind it stands the input of the next frame, until its answer takes that place.
        let from := 32
        let end := 0
        for { } left { left := sub(left, 1) } {
            let size := add(32, and(calldataload(from), 0xffffffffffffffffffffffff))
            mstore(end, 0)
            calldatacopy(add(end, 32), from, size)
            // Each call may use an equal part of the gas that is left for it and those behind it.
            pop(call(div(gas(), add(left, 1)), 0, 0, end, add(size, 32), 0, 0))
            switch returndatasize()
            case 0 { // the frame itself ran out of gas
                mstore(end, shl(128, 2))
                end := add(end, 32)
            }
            default {
                returndatacopy(end, 0, returndatasize())
                end := add(end, returndatasize())
            }
            from := add(from, size)
        }
        return(0, end)
    }
}

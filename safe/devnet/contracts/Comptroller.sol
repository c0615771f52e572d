// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The pausing half of a Compound v2 Comptroller, to be guarded. Not for money.
/// @notice The functions, getters, events and refusals of Compound's own contract that pausing has to do with, by the same names and
/// rules: the pause guardian and the admin may pause, only the admin may unpause. There are no markets behind it: a cToken is an
/// address that was listed.
contract Comptroller {
    address public admin;
    address public pauseGuardian;

    mapping(address cToken => bool) private listed;
    mapping(address cToken => bool) public mintGuardianPaused;
    mapping(address cToken => bool) public borrowGuardianPaused;
    bool public transferGuardianPaused;
    bool public seizeGuardianPaused;

    event ActionPaused(string action, bool pauseState);
    event ActionPaused(address cToken, string action, bool pauseState);

    constructor(address admin_, address pauseGuardian_, address[] memory cTokens) {
        admin = admin_;
        pauseGuardian = pauseGuardian_;
        for (uint256 i = 0; i < cTokens.length; i++) {
            listed[cTokens[i]] = true;
        }
    }

    function _setMintPaused(address cToken, bool state) external returns (bool) {
        _authorizeMarket(cToken, state);
        mintGuardianPaused[cToken] = state;
        emit ActionPaused(cToken, "Mint", state);
        return state;
    }

    function _setBorrowPaused(address cToken, bool state) external returns (bool) {
        _authorizeMarket(cToken, state);
        borrowGuardianPaused[cToken] = state;
        emit ActionPaused(cToken, "Borrow", state);
        return state;
    }

    function _setTransferPaused(bool state) external returns (bool) {
        _authorize(state);
        transferGuardianPaused = state;
        emit ActionPaused("Transfer", state);
        return state;
    }

    function _setSeizePaused(bool state) external returns (bool) {
        _authorize(state);
        seizeGuardianPaused = state;
        emit ActionPaused("Seize", state);
        return state;
    }

    function _authorizeMarket(address cToken, bool state) private view {
        require(listed[cToken], "cannot pause a market that is not listed");
        _authorize(state);
    }

    function _authorize(bool state) private view {
        require(msg.sender == pauseGuardian || msg.sender == admin, "only pause guardian and admin can pause");
        require(msg.sender == admin || state, "only admin can unpause");
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A price feed with the reading side of a Chainlink aggregator, and an owner who sets the price.
/// @notice Every setting is a new round. A price can be set wrong or old on purpose: that is what it is for.
contract PriceFeed {
    uint8 public constant decimals = 8;
    uint256 public constant version = 1;

    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    string public description;
    address public immutable owner;
    uint80 private latest;
    mapping(uint80 id => Round) private rounds;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NotOwner(address caller);
    error NoSuchRound(uint80 id);

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    constructor(string memory description_, address owner_, int256 answer) {
        description = description_;
        owner = owner_;
        _push(answer, block.timestamp);
    }

    /// @notice Sets the price as of now, with eight decimals.
    function setPrice(int256 answer) external onlyOwner {
        _push(answer, block.timestamp);
    }

    /// @notice Sets a price with any time, to play a feed that went stale.
    function setPriceAt(int256 answer, uint256 updatedAt) external onlyOwner {
        _push(answer, updatedAt);
    }

    function latestAnswer() external view returns (int256) {
        return rounds[latest].answer;
    }

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return getRoundData(latest);
    }

    function getRoundData(uint80 id)
        public
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        if (id == 0 || id > latest) revert NoSuchRound(id);
        Round storage round = rounds[id];
        return (id, round.answer, round.updatedAt, round.updatedAt, id);
    }

    function _push(int256 answer, uint256 updatedAt) private {
        latest++;
        rounds[latest] = Round(answer, updatedAt);
        emit AnswerUpdated(answer, latest, updatedAt);
    }
}

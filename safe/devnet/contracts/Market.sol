// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// The part of ERC-20 that the market uses.
interface IToken {
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// @title A sample lending market, to be guarded. Not for money.
/// @notice It has what a coordinator of emergencies meets in real markets, and no more: reserves that a guardian can pause
/// at once, parameters that only a slow admin can change, and bounds that hold whoever asks.
///
/// Roles. The guardian may pause, and nothing else: a stolen guardian can stop the market, not rob it. The admin, meant to
/// be a timelock, may unpause and set parameters. Neither can be changed.
///
/// It keeps balances and no interest, and it asks no price: what may be borrowed of one asset depends on what was supplied
/// of the same asset. That is useless as a market and enough to see whether it is open.
contract Market {
    /// A hundred per cent, in basis points.
    uint256 public constant FULL_BPS = 10_000;

    struct Reserve {
        bool listed;
        bool paused;
        uint16 ltvBps; // how much may be borrowed against a deposit
        uint16 liquidationThresholdBps; // from where on a loan may be liquidated; never below ltvBps
        uint256 supplyCap; // smallest units of the asset
        uint256 supplied; // smallest units of the asset
    }

    /// A reserve as the constructor takes it.
    struct Listing {
        address asset;
        uint256 ltvBps;
        uint256 liquidationThresholdBps;
        uint256 supplyCap;
    }

    address public immutable guardian;
    address public immutable admin;

    mapping(address asset => Reserve) private reserves;
    mapping(address asset => mapping(address account => uint256)) public suppliedBy;
    mapping(address asset => mapping(address account => uint256)) public borrowedBy;

    event ReservePaused(address indexed asset, address indexed by);
    event ReserveUnpaused(address indexed asset, address indexed by);
    event LtvChanged(address indexed asset, uint256 oldBps, uint256 newBps);
    event LiquidationThresholdChanged(address indexed asset, uint256 oldBps, uint256 newBps);
    event SupplyCapChanged(address indexed asset, uint256 oldCap, uint256 newCap);
    event Supplied(address indexed asset, address indexed account, uint256 amount);
    event Withdrawn(address indexed asset, address indexed account, uint256 amount);
    event Borrowed(address indexed asset, address indexed account, uint256 amount);
    event Repaid(address indexed asset, address indexed account, uint256 amount);

    error NotGuardian(address caller);
    error NotAdmin(address caller);
    error UnknownReserve(address asset);
    error AlreadyListed(address asset);
    error ReserveIsPaused(address asset);
    error LtvAboveThreshold(uint256 ltvBps, uint256 liquidationThresholdBps);
    error ThresholdAboveFull(uint256 liquidationThresholdBps);
    error SupplyCapExceeded(uint256 supplied, uint256 cap);
    error BorrowLimitExceeded(uint256 borrowed, uint256 limit);
    error TransferFailed(address asset);

    modifier onlyAdmin() {
        if (msg.sender != admin) revert NotAdmin(msg.sender);
        _;
    }

    constructor(address guardian_, address admin_, Listing[] memory listings) {
        guardian = guardian_;
        admin = admin_;
        for (uint256 i = 0; i < listings.length; i++) {
            _list(listings[i]);
        }
    }

    // What the guardian and the admin do.

    /// @notice Pauses or unpauses one reserve. The guardian and the admin may pause; only the admin may unpause.
    /// @dev Pausing what is paused succeeds and changes nothing: in an emergency, second must not mean failed.
    function setReservePause(address asset, bool paused) external {
        if (msg.sender != admin) {
            if (!paused) revert NotAdmin(msg.sender);
            if (msg.sender != guardian) revert NotGuardian(msg.sender);
        }
        Reserve storage reserve = _reserve(asset);
        if (reserve.paused == paused) return;
        reserve.paused = paused;
        if (paused) emit ReservePaused(asset, msg.sender);
        else emit ReserveUnpaused(asset, msg.sender);
    }

    function setReserveLtv(address asset, uint256 ltvBps) external onlyAdmin {
        Reserve storage reserve = _reserve(asset);
        _requireInOrder(ltvBps, reserve.liquidationThresholdBps);
        emit LtvChanged(asset, reserve.ltvBps, ltvBps);
        reserve.ltvBps = uint16(ltvBps); // at most FULL_BPS
    }

    function setLiquidationThreshold(address asset, uint256 liquidationThresholdBps) external onlyAdmin {
        Reserve storage reserve = _reserve(asset);
        _requireInOrder(reserve.ltvBps, liquidationThresholdBps);
        emit LiquidationThresholdChanged(asset, reserve.liquidationThresholdBps, liquidationThresholdBps);
        reserve.liquidationThresholdBps = uint16(liquidationThresholdBps); // at most FULL_BPS
    }

    /// @notice Sets how much may be supplied, in the asset's smallest unit. A cap below what is there stops new supply only.
    function setSupplyCap(address asset, uint256 supplyCap) external onlyAdmin {
        Reserve storage reserve = _reserve(asset);
        emit SupplyCapChanged(asset, reserve.supplyCap, supplyCap);
        reserve.supplyCap = supplyCap;
    }

    // What everyone reads.

    function getPaused(address asset) external view returns (bool) {
        return _reserve(asset).paused;
    }

    function getReserve(address asset)
        external
        view
        returns (bool paused, uint256 ltvBps, uint256 liquidationThresholdBps, uint256 supplyCap)
    {
        Reserve storage reserve = _reserve(asset);
        return (reserve.paused, reserve.ltvBps, reserve.liquidationThresholdBps, reserve.supplyCap);
    }

    function totalSupplied(address asset) external view returns (uint256) {
        return _reserve(asset).supplied;
    }

    // What users do. Nothing moves in a paused reserve, repayment and withdrawal included: what is wrong may be the asset.

    function supply(address asset, uint256 amount) external {
        Reserve storage reserve = _open(asset);
        uint256 supplied = reserve.supplied + amount;
        if (supplied > reserve.supplyCap) revert SupplyCapExceeded(supplied, reserve.supplyCap);
        reserve.supplied = supplied;
        suppliedBy[asset][msg.sender] += amount;
        emit Supplied(asset, msg.sender, amount);
        _pull(asset, amount);
    }

    function withdraw(address asset, uint256 amount) external {
        Reserve storage reserve = _open(asset);
        reserve.supplied -= amount;
        suppliedBy[asset][msg.sender] -= amount;
        _requireCovered(reserve, asset);
        emit Withdrawn(asset, msg.sender, amount);
        _push(asset, amount);
    }

    function borrow(address asset, uint256 amount) external {
        Reserve storage reserve = _open(asset);
        borrowedBy[asset][msg.sender] += amount;
        _requireCovered(reserve, asset);
        emit Borrowed(asset, msg.sender, amount);
        _push(asset, amount);
    }

    function repay(address asset, uint256 amount) external {
        _open(asset);
        borrowedBy[asset][msg.sender] -= amount;
        emit Repaid(asset, msg.sender, amount);
        _pull(asset, amount);
    }

    // The rest of the sentences above.

    function _list(Listing memory listing) private {
        if (reserves[listing.asset].listed) revert AlreadyListed(listing.asset);
        _requireInOrder(listing.ltvBps, listing.liquidationThresholdBps);
        reserves[listing.asset] = Reserve({
            listed: true,
            paused: false,
            ltvBps: uint16(listing.ltvBps),
            liquidationThresholdBps: uint16(listing.liquidationThresholdBps),
            supplyCap: listing.supplyCap,
            supplied: 0
        });
    }

    function _reserve(address asset) private view returns (Reserve storage reserve) {
        reserve = reserves[asset];
        if (!reserve.listed) revert UnknownReserve(asset);
    }

    function _open(address asset) private view returns (Reserve storage reserve) {
        reserve = _reserve(asset);
        if (reserve.paused) revert ReserveIsPaused(asset);
    }

    /// The invariant of every reserve: ltv <= liquidation threshold <= 100 %.
    function _requireInOrder(uint256 ltvBps, uint256 liquidationThresholdBps) private pure {
        if (liquidationThresholdBps > FULL_BPS) revert ThresholdAboveFull(liquidationThresholdBps);
        if (ltvBps > liquidationThresholdBps) revert LtvAboveThreshold(ltvBps, liquidationThresholdBps);
    }

    function _requireCovered(Reserve storage reserve, address asset) private view {
        uint256 limit = suppliedBy[asset][msg.sender] * reserve.ltvBps / FULL_BPS;
        uint256 borrowed = borrowedBy[asset][msg.sender];
        if (borrowed > limit) revert BorrowLimitExceeded(borrowed, limit);
    }

    function _pull(address asset, uint256 amount) private {
        if (!IToken(asset).transferFrom(msg.sender, address(this), amount)) revert TransferFailed(asset);
    }

    function _push(address asset, uint256 amount) private {
        if (!IToken(asset).transfer(msg.sender, amount)) revert TransferFailed(asset);
    }
}

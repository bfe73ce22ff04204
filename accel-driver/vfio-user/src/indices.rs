//! Numbers of a PCI device's regions and kinds of interrupts.

/// Indices of the regions of a PCI device.
pub mod region {
    /// BAR 0. BAR `n` has index `n`, 0 to 5.
    pub const BAR0: u32 = 0;
    /// The PCI configuration space.
    pub const CONFIG: u32 = 7;
    /// The number of regions: six BARs, the ROM, the configuration space, VGA.
    pub const COUNT: u32 = 9;
}

/// Indices of the kinds of interrupts of a PCI device.
pub mod irq {
    /// MSI-X vectors.
    pub const MSIX: u32 = 2;
    /// The device reports an error from which it did not recover.
    pub const ERROR: u32 = 3;
    /// The device asks the client to release it.
    pub const REQUEST: u32 = 4;
    /// The number of kinds: INTx, MSI, MSI-X, error, request.
    pub const COUNT: u32 = 5;
}

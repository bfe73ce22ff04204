//! A PCI function.

use lockstep_accel_abi::{PCI_DEVICE, PCI_VENDOR};
use lockstep_accel_driver::CardAddress;
use serde::Serialize;

use crate::problem::Problem;

use super::root::Root;

/// A PCI function, and its IOMMU group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Function {
    /// Domain, bus, device and function: `0000:04:00.0`.
    pub(crate) function: String,
    /// Vendor and device: `1234:4c53`.
    pub(crate) id: String,
    /// The kernel driver that has the function.
    pub(crate) driver: Option<String>,
    pub(crate) iommu_group: Option<u32>,
}

impl Function {
    /// Reads a function; `None` if it is not there.
    pub(crate) fn read(root: &Root, function: &str) -> Option<Self> {
        let folder = root.function(function);
        let number =
            |file| Root::text(&folder.join(file)).map(|text| text.trim_start_matches("0x").to_lowercase());
        Some(Self {
            function: function.into(),
            id: format!("{}:{}", number("vendor")?, number("device")?),
            driver: Root::link(&folder.join("driver")),
            iommu_group: Root::link(&folder.join("iommu_group")).and_then(|name| name.parse().ok()),
        })
    }

    /// Reads the function that a person named: `0000:04:00.0` or `vfio:0000:04:00.0`.
    ///
    /// # Errors
    /// The name is none, or there is no such function.
    pub(crate) fn named(root: &Root, name: &str) -> Result<Self, Problem> {
        let address = if name.starts_with("vfio") { name.to_owned() } else { format!("vfio:{name}") };
        let function = match address.parse() {
            Ok(CardAddress::Vfio(function)) => function,
            Ok(CardAddress::VfioUser(_)) => {
                let error = format!("{name} is a device process, not a PCI function");
                return Err(Problem::new(error, "device processes need no driver: use the address as it is"));
            }
            Err(error) => return Err(Problem::new(error, "`lspci -D` prints the functions")),
        };
        Self::read(root, &function).ok_or_else(|| {
            Problem::new(
                format_args!("there is no PCI function {function}"),
                "`lspci -D -nn` prints the functions",
            )
        })
    }

    /// Whether its ids are those of a Lockstep card.
    pub(crate) fn is_card(&self) -> bool {
        self.id == card_id()
    }

    /// The other functions of its group.
    pub(crate) fn neighbours(&self, root: &Root) -> Vec<Self> {
        let names = Root::names(&root.function(&self.function).join("iommu_group/devices"));
        names
            .iter()
            .filter(|name| **name != self.function)
            .filter_map(|name| Self::read(root, name))
            .collect()
    }
}

/// The cards of the machine.
pub(crate) fn cards(root: &Root) -> Vec<Function> {
    let names = Root::names(&root.pci().join("devices"));
    names.iter().filter_map(|name| Function::read(root, name)).filter(Function::is_card).collect()
}

/// Vendor and device of a Lockstep card.
pub(crate) fn card_id() -> String {
    format!("{PCI_VENDOR:04x}:{PCI_DEVICE:04x}")
}

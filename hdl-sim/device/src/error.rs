//! Why a device ended.

use lockstep_hdl_sim as sim;
use lockstep_vfio_user as vfio_user;

/// Why a device ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The design did not build, broke a rule of a bus, or failed an assertion.
    #[error(transparent)]
    Simulation(#[from] sim::Error),
    /// The socket failed.
    #[error(transparent)]
    Socket(#[from] vfio_user::Error),
    /// The system refused the eventfd that stops the device.
    #[error("the stop of a device: {0}")]
    Stop(#[from] std::io::Error),
    /// Results of the RTL were not those of the functional model. Each has been printed.
    #[error("{differences} of {jobs} jobs differ from the functional model")]
    Differences {
        /// Jobs with a difference.
        differences: u64,
        /// Jobs that were compared.
        jobs: u64,
    },
}

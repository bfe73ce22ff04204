//! A card behind a socket.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread::JoinHandle;

use lockstep_hdl_sim as sim;
use lockstep_vfio_user::{self as vfio_user, Ended, Server};
use rustix::event::{EventfdFlags, eventfd};

use crate::SimulationSetup;
use crate::pci::PciCard;
use crate::simulation::joined;

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
}

/// A card that serves one client after the other, on threads of this process. It ends with
/// [`Self::stop`] or with its drop.
#[derive(Debug)]
pub struct ServedCard {
    stop: OwnedFd,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl ServedCard {
    /// Listens at a path. Clients can connect after the return. The card answers them when the
    /// design is built, which takes minutes for the first time.
    ///
    /// # Errors
    /// The system refuses to listen at the path.
    pub fn start(path: &Path, setup: SimulationSetup) -> Result<Self, Error> {
        let bus = PciCard::bus();
        let server = Server::bind(path, bus.clone())?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(std::io::Error::from)?;
        let stopped = stop.try_clone()?;
        let thread = std::thread::spawn(move || {
            let mut card = PciCard::new(setup, bus)?;
            loop {
                match server.serve(&mut card, stopped.as_fd()) {
                    Ok(Ended::Stopped) => break,
                    Err(error @ vfio_user::Error::Io(_)) => return Err(error.into()),
                    // A client that broke the protocol is disconnected; the next client may come.
                    Ok(Ended::Disconnected) | Err(_) => {}
                }
            }
            drop(server);
            Ok(card.stop()?)
        });
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Disconnects the client and ends the simulation.
    ///
    /// # Errors
    /// The error with which the simulation ended earlier.
    ///
    /// # Panics
    /// A thread of the card panicked.
    pub fn stop(mut self) -> Result<(), Error> {
        joined(self.end())
    }

    /// Serves clients until the socket or the simulation fails.
    ///
    /// # Errors
    /// The failure.
    ///
    /// # Panics
    /// A thread of the card panicked.
    pub fn wait(mut self) -> Result<(), Error> {
        joined(self.thread.take().map(JoinHandle::join))
    }

    fn end(&mut self) -> Option<std::thread::Result<Result<(), Error>>> {
        // This cannot fail: an eventfd takes a 1.
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for ServedCard {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

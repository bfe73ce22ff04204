//! A card behind a socket.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use lockstep_hdl_sim as sim;
use lockstep_vfio_user::{self as vfio_user, Bus, Device as _, Ended, Server};
use rustix::event::{EventfdFlags, eventfd};

use crate::Error;
use crate::answers::Answers;
use crate::mock::{Mock, MockSetup};
use crate::pci::PciCard;
use crate::simulation::{Simulation, SimulationSetup, joined};

/// What answers behind a socket.
#[derive(Clone, Debug)]
pub enum CardSetup {
    /// The RTL.
    Simulation(SimulationSetup),
    /// The mock.
    Mock(MockSetup),
}

impl From<SimulationSetup> for CardSetup {
    fn from(setup: SimulationSetup) -> Self {
        Self::Simulation(setup)
    }
}

impl From<MockSetup> for CardSetup {
    fn from(setup: MockSetup) -> Self {
        Self::Mock(setup)
    }
}

impl CardSetup {
    /// A card after power-up.
    fn start(self, bus: &Arc<Bus>) -> Result<Box<dyn Answers>, sim::Error> {
        Ok(match self {
            Self::Simulation(setup) => Box::new(Simulation::start(setup, bus.clone())?),
            Self::Mock(setup) => Box::new(Mock::start(&setup, bus.clone())),
        })
    }
}

/// A card that serves one client after the other, on threads of this process. It ends with
/// [`Self::stop`] or with its drop.
#[derive(Debug)]
pub struct ServedCard {
    stop: OwnedFd,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl ServedCard {
    /// Starts a card and listens at a path. The socket is there when the card can answer, because
    /// clients such as QEMU wait for an answer for five seconds only. The first start of a
    /// simulated card builds its design, which takes minutes.
    ///
    /// # Errors
    /// The design does not build, or the system refuses to listen at the path.
    pub fn start(path: &Path, setup: impl Into<CardSetup>) -> Result<Self, Error> {
        let setup = setup.into();
        let bus = PciCard::bus();
        let card = setup.start(&bus)?;
        let server = Server::bind(path, bus.clone())?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(std::io::Error::from)?;
        let stopped = stop.try_clone()?;
        let thread = std::thread::spawn(move || {
            let mut card = PciCard::new(card, bus);
            loop {
                match server.serve(&mut card, stopped.as_fd()) {
                    Ok(Ended::Stopped) => break,
                    Err(error @ vfio_user::Error::Io(_)) => return Err(error.into()),
                    // A client that broke the protocol is disconnected; the next client may come.
                    Ok(Ended::Disconnected) | Err(_) => {}
                }
                // The next client finds the card as after power-up, whatever this one left. A card
                // that is gone says so when it is stopped.
                if card.reset().is_err() {
                    break;
                }
            }
            drop(server);
            card.stop()
        });
        Ok(Self { stop, thread: Some(thread) })
    }

    /// A handle that stops the card from another thread.
    ///
    /// # Errors
    /// The system has no free file descriptor.
    pub fn stopper(&self) -> Result<Stopper, Error> {
        Ok(Stopper(self.stop.try_clone()?))
    }

    /// Disconnects the client and ends the card.
    ///
    /// # Errors
    /// The error with which the card ended earlier.
    ///
    /// # Panics
    /// A thread of the card panicked.
    pub fn stop(mut self) -> Result<(), Error> {
        joined(self.end())
    }

    /// Serves clients until the socket or the card fails.
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
        stop(&self.stop);
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for ServedCard {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Stops a [`ServedCard`]; [`ServedCard::wait`] then returns.
#[derive(Debug)]
pub struct Stopper(OwnedFd);

impl Stopper {
    /// Asks the card to end. It ends soon afterwards.
    pub fn stop(&self) {
        stop(&self.0);
    }
}

fn stop(eventfd: &OwnedFd) {
    // This cannot fail: an eventfd takes a 1.
    let _ = rustix::io::write(eventfd, &1_u64.to_ne_bytes());
}

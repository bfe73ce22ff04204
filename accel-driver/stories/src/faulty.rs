//! A transport that plays a fault at a chosen moment, in front of the transport of any card.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_accel_abi::{ALL_ONES, registers};
use lockstep_accel_driver::{Transport, TransportError};
use lockstep_accel_memory::SharedMemory;
use rustix::event::{EventfdFlags, eventfd};

use crate::fault::{Fault, Moment};

/// Offset of the PCI command register, and its bits MEMORY and MASTER.
const COMMAND: u64 = 4;
const MEMORY: u8 = 1 << 1;
const MASTER: u8 = 1 << 2;

/// A transport with faults.
pub(crate) struct Faulty<T> {
    inner: Arc<T>,
    plan: Arc<Mutex<Plan>>,
}

/// What the story arms and what it looks at afterwards.
#[derive(Default)]
struct Plan {
    armed: Option<(Fault, Moment)>,
    /// The next doorbell is swallowed.
    swallow: bool,
    ones: bool,
    broken: bool,
    vectors: Vec<OwnedFd>,
    recall: Option<OwnedFd>,
    /// The driver's map: its bus address, and the memory.
    map: Option<(u64, SharedMemory)>,
    /// Whether the fault took the map away.
    unmapped: bool,
    /// Whether the card may use DMA, as the driver set it.
    master: bool,
    /// The driver unmapped memory that the card could still access.
    careless: bool,
}

/// The story's hand on a [`Faulty`] transport.
pub(crate) struct Hand<T>(Faulty<T>);

impl<T: Transport + Sync> Faulty<T> {
    pub(crate) fn new(inner: T) -> (Self, Hand<T>) {
        let (inner, plan) = (Arc::new(inner), Arc::default());
        let hand = Hand(Self { inner: Arc::clone(&inner), plan: Arc::clone(&plan) });
        (Self { inner, plan }, hand)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The guard of an access, unless each access fails.
    fn reach(&self) -> Result<MutexGuard<'_, Plan>, TransportError> {
        let plan = self.plan();
        if plan.broken { Err("the way to the card is broken".into()) } else { Ok(plan) }
    }

    fn strike_at(&self, plan: &mut Plan, moment: Moment) -> Result<(), TransportError> {
        match plan.armed {
            Some((fault, at)) if at == moment => {
                plan.armed = None;
                self.strike(plan, fault)
            }
            _ => Ok(()),
        }
    }

    fn strike(&self, plan: &mut Plan, fault: Fault) -> Result<(), TransportError> {
        match fault {
            Fault::LostInterrupts => {
                let nobody = plan
                    .vectors
                    .iter()
                    .map(|_| eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK))
                    .collect::<Result<Vec<_>, _>>()?;
                let nobody: Vec<_> = nobody.iter().map(AsFd::as_fd).collect();
                self.inner.set_interrupts(&nobody)?;
            }
            Fault::StrayInterrupts => plan.vectors.iter().try_for_each(raise)?,
            Fault::LostDoorbell => plan.swallow = true,
            Fault::ForeignReset => {
                self.inner.reset()?;
                // The kernel restores the command register after a reset.
                self.inner.write_config(COMMAND, &[MEMORY | MASTER, 0])?;
            }
            Fault::MasterOff => self.inner.write_config(COMMAND, &[MEMORY, 0])?,
            Fault::AllOnes => plan.ones = true,
            Fault::Broken => plan.broken = true,
            Fault::Unmapped => {
                if let Some((iova, memory)) = &plan.map {
                    self.inner.unmap(*iova, memory)?;
                    plan.unmapped = true;
                }
            }
            Fault::Recalled => plan.recall.iter().try_for_each(raise)?,
        }
        Ok(())
    }
}

fn raise(eventfd: &OwnedFd) -> Result<(), TransportError> {
    rustix::io::write(eventfd, &1_u64.to_ne_bytes())?;
    Ok(())
}

impl<T: Transport + Sync> Hand<T> {
    /// Arms a fault. It strikes at its moment, at once if the moment is idle.
    pub(crate) fn arm(&self, fault: Fault, moment: Moment) -> Result<(), TransportError> {
        let mut plan = self.0.plan();
        plan.armed = Some((fault, moment));
        self.0.strike_at(&mut plan, Moment::Idle)
    }

    /// Whether the fault has struck.
    pub(crate) fn struck(&self) -> bool {
        self.0.plan().armed.is_none()
    }

    /// Repairs what a reset of the card does not repair.
    pub(crate) fn repair(&self) -> Result<(), TransportError> {
        let mut plan = self.0.plan();
        (plan.broken, plan.swallow) = (false, false);
        if let (Some((iova, memory)), true) = (&plan.map, plan.unmapped) {
            self.0.inner.map(*iova, memory)?;
        }
        plan.unmapped = false;
        Ok(())
    }

    /// What a closed card left behind.
    pub(crate) fn left(&self) -> Option<&'static str> {
        let plan = self.0.plan();
        if plan.map.is_some() {
            return Some("memory is still mapped");
        }
        plan.careless.then_some("memory was unmapped while the card could access it")
    }
}

impl<T: Transport + Sync> Transport for Faulty<T> {
    fn device(&self) -> String {
        self.inner.device()
    }

    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError> {
        let _plan = self.reach()?;
        self.inner.read_config(offset, to)
    }

    fn write_config(&self, offset: u64, from: &[u8]) -> Result<(), TransportError> {
        let mut plan = self.reach()?;
        if let (COMMAND, [command, ..]) = (offset, from) {
            plan.master = command & MASTER != 0;
        }
        self.inner.write_config(offset, from)
    }

    fn read(&self, register: u32) -> Result<u32, TransportError> {
        let plan = self.reach()?;
        if plan.ones { Ok(ALL_ONES) } else { self.inner.read(register) }
    }

    fn write(&self, register: u32, value: u32) -> Result<(), TransportError> {
        let submit = register == registers::DOORBELL_SUBMIT;
        let mut plan = self.reach()?;
        if submit {
            self.strike_at(&mut plan, Moment::Submitting)?;
        } else if register == registers::DOORBELL_COMPLETE {
            self.strike_at(&mut plan, Moment::Completing)?;
        }
        if plan.broken {
            return Err("the way to the card is broken".into());
        }
        let lost = plan.ones || submit && std::mem::take(&mut plan.swallow);
        if !lost {
            self.inner.write(register, value)?;
        }
        if submit {
            self.strike_at(&mut plan, Moment::Running)?;
        }
        Ok(())
    }

    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        let mut plan = self.reach()?;
        // The driver's memory is unmapped and mapped again behind the driver's back.
        let copy = SharedMemory::map(memory.file()?.into(), true)?;
        self.inner.map(iova, memory)?;
        plan.map = Some((iova, copy));
        Ok(())
    }

    fn unmap(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        let mut plan = self.reach()?;
        plan.careless |= plan.master;
        plan.map = None;
        self.inner.unmap(iova, memory)
    }

    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
        let mut plan = self.reach()?;
        plan.vectors = eventfds.iter().map(BorrowedFd::try_clone_to_owned).collect::<Result<_, _>>()?;
        self.inner.set_interrupts(eventfds)
    }

    fn set_recall(&self, eventfd: BorrowedFd<'_>) -> Result<(), TransportError> {
        let mut plan = self.reach()?;
        plan.recall = Some(eventfd.try_clone_to_owned()?);
        self.inner.set_recall(eventfd)
    }

    fn reset(&self) -> Result<(), TransportError> {
        let mut plan = self.reach()?;
        (plan.ones, plan.master) = (false, false);
        self.inner.reset()
    }
}

//! A job at work: a copy, or a program of the engine.

use lockstep_accel_abi::{Descriptor, EngineError, Opcode, Port, Status};
use lockstep_accel_model::{Done, Engine, Failure, Fault, Memories};

use super::memories::Reach;
use crate::program::job_of;

/// How a job ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) status: Status,
    pub(crate) address: u64,
    pub(crate) detail: EngineError,
    /// What the engine counted.
    pub(crate) done: Option<Done>,
    /// The port that got an error, and the address there.
    pub(crate) fault: Option<(Port, u64)>,
}

impl Ending {
    /// An ending without work.
    pub(crate) const fn of(status: Status, address: u64) -> Self {
        Self { status, address, detail: EngineError::None, done: None, fault: None }
    }

    /// The ending of a job that met an error of a bus.
    pub(crate) const fn faulty(port: Port, fault: Fault) -> Self {
        let status = match port {
            Port::HostRead => Status::HostRead,
            Port::HostWrite => Status::HostWrite,
            Port::CardRead => Status::CardRead,
            Port::CardWrite => Status::CardWrite,
        };
        Self { fault: Some((port, fault.address)), ..Self::of(status, fault.address) }
    }
}

/// Bytes of a copy between two looks at what else is asked of the card.
const PIECE: usize = 1 << 16;

/// Runs a copy until its end, an error, or until `stop` says true.
pub(crate) fn copy(d: &Descriptor, reach: &mut Reach, stop: &dyn Fn() -> bool) -> Ending {
    let to_card = d.opcode == Opcode::CopyToCard as u8;
    let mut buffer = Vec::new();
    let total = d.bytes as usize;
    for at in (0..total).step_by(PIECE) {
        if stop() {
            return Ending::of(Status::Aborted, 0);
        }
        let bytes = PIECE.min(total - at);
        let (host, card) = (d.host_address.wrapping_add(at as u64), d.card_address + at as u64);
        let result = if to_card {
            reach.bring(host, card, bytes)
        } else {
            buffer.clear();
            match reach.card(card, bytes) {
                Ok(found) => buffer.extend_from_slice(found),
                Err(fault) => return Ending::faulty(Port::CardRead, fault),
            }
            reach.write_host(host, &buffer).map_err(|fault| (Port::HostWrite, fault))
        };
        if let Err((port, fault)) = result {
            return Ending::faulty(port, fault);
        }
    }
    Ending::of(Status::Ok, 0)
}

/// Runs a program until its end, an error, or until `stop` says true. `Err` if the program can
/// never end.
pub(crate) fn run(
    d: &Descriptor,
    engine: &mut Engine,
    reach: &mut Reach,
    stop: &dyn Fn() -> bool,
) -> Result<Ending, Done> {
    let done = engine.run(&job_of(d), reach, stop);
    let Err(failure) = done.result else {
        return Ok(Ending { done: Some(done), ..Ending::of(Status::Ok, 0) });
    };
    let fault = match failure {
        Failure::Stuck => return Err(done),
        Failure::CardRead(fault) => Some((Port::CardRead, fault.address)),
        Failure::HostRead(fault) => Some((Port::HostRead, fault.address)),
        Failure::HostWrite(fault) => Some((Port::HostWrite, fault.address)),
        Failure::IllegalInstruction | Failure::BadInput | Failure::Aborted => None,
    };
    let (status, address, detail) = (failure.status(), failure.address(), failure.error());
    Ok(Ending { status, address, detail, done: Some(done), fault })
}

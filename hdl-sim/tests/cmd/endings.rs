//! How jobs end, as the ports between the table of jobs and the records show it.

use lockstep_accel_abi::Completion;
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::once;

/// An ending: what its record says of the job, and whether an interrupt is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) notify: bool,
    pub(crate) record: Completion,
}

impl Ending {
    /// Any numbers.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let record = Completion {
            address: random.next(),
            cycles: random.next() & 0xffff_ffff_ffff,
            array_busy: random.next() as u32,
            detail: random.next() as u32 & 0xff,
            tag: random.next() as u16,
            status: random.within(0, 16) as u8,
            ..Completion::default()
        };
        Self { notify: once(random, 2), record }
    }

    /// `ending_t`.
    pub(crate) fn bits(&self) -> Bits {
        let record = &self.record;
        Bits::concat(&[
            Bits::new(1, self.notify.into()),
            Bits::new(8, record.status.into()),
            Bits::new(16, record.tag.into()),
            Bits::new(8, record.detail.into()),
            Bits::new(32, record.array_busy.into()),
            Bits::new(48, record.cycles),
            Bits::new(64, record.address),
        ])
    }
}

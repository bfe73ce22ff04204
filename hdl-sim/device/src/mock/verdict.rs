//! Judges a descriptor, as `ls_decode` does. If several things are wrong with a descriptor, the
//! record names the first one in the order of the statuses.

use lockstep_accel_abi::codes::{ALIGN, COPY_MAX, DescriptorFlags, INSTRUCTION_BYTES, PROGRAM_ALIGN};
use lockstep_accel_abi::engine::{HIDDEN_MAX, PROGRAM_LENGTH_MAX, TOKENS_MAX};
use lockstep_accel_abi::{Descriptor, Opcode, Status};

use super::registers::Facts;

/// What is wrong with a descriptor, and the address of the record.
pub(crate) type Refusal = (Status, u64);

/// The descriptor's command, or what is wrong with it.
pub(crate) fn judge(d: &Descriptor, facts: Facts) -> Result<Opcode, Refusal> {
    let opcode = Opcode::try_from(d.opcode).map_err(|_| (Status::BadOpcode, 0))?;
    if stray(d, opcode) {
        return Err((Status::BadReserved, 0));
    }
    if opcode == Opcode::Nop {
        return Ok(opcode);
    }
    let run = opcode == Opcode::Run;
    match misaligned(d, run) {
        0 => {}
        address => return Err((Status::Misaligned, address)),
    }
    let bytes = match run {
        true => u64::from(d.program_length) * u64::from(INSTRUCTION_BYTES),
        false => d.bytes.into(),
    };
    let limit = PROGRAM_LENGTH_MAX as u32;
    if bytes == 0 || bytes > COPY_MAX.into() || d.program_length > limit {
        return Err((Status::BadLength, 0));
    }
    if d.card_address.checked_add(bytes).is_none_or(|end| end > facts.card_bytes) {
        return Err((Status::CardRange, d.card_address));
    }
    let possible = |value: u16, most: usize| (1..=most).contains(&value.into());
    let shape = usize::from(d.array) == facts.lanes
        && possible(d.tokens, TOKENS_MAX)
        && possible(d.hidden, HIDDEN_MAX)
        && d.runs > 0;
    if run && !shape { Err((Status::UnsupportedShape, 0)) } else { Ok(opcode) }
}

/// Whether a member has bits that have no meaning for the opcode.
fn stray(d: &Descriptor, opcode: Opcode) -> bool {
    let known = (DescriptorFlags::INTERRUPT | DescriptorFlags::FENCE) as u8;
    let strides = u64::from(d.input_stride | d.output_stride);
    let shape = u64::from(d.runs | d.array | d.tokens | d.hidden);
    let for_run = strides | shape | u64::from(d.program_length) | d.output_address;
    d.flags & !known != 0
        || d.reserved_0 != 0
        || d.reserved_1 != 0
        || (opcode != Opcode::Run && for_run != 0)
        || (matches!(opcode, Opcode::Run | Opcode::Nop) && d.bytes != 0)
        || (opcode == Opcode::Nop && d.card_address | d.host_address != 0)
}

/// The first misaligned address; zero if there is none. A stride or a length is reported as its
/// sum with its address.
fn misaligned(d: &Descriptor, run: bool) -> u64 {
    let off = |number: u64| !number.is_multiple_of(ALIGN);
    let card = if run { !d.card_address.is_multiple_of(PROGRAM_ALIGN) } else { off(d.card_address) };
    if card {
        d.card_address
    } else if off(d.host_address) {
        d.host_address
    } else if run && off(d.output_address) {
        d.output_address
    } else if run && off(d.input_stride.into()) {
        d.host_address.wrapping_add(d.input_stride.into())
    } else if run && off(d.output_stride.into()) {
        d.output_address.wrapping_add(d.output_stride.into())
    } else if !run && off(d.bytes.into()) {
        d.card_address.wrapping_add(d.bytes.into())
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts { lanes: 8, card_bytes: 1 << 20 };

    fn run() -> Descriptor {
        Descriptor {
            opcode: Opcode::Run as u8,
            card_address: 64,
            program_length: 2,
            runs: 1,
            array: 8,
            tokens: 512,
            hidden: 1024,
            ..Descriptor::default()
        }
    }

    #[test]
    fn what_is_wrong_with_a_descriptor_is_named() {
        let copy = Descriptor::copy_to_card(1, 4, 8, 12);
        assert_eq!(judge(&Descriptor::nop(1), FACTS), Ok(Opcode::Nop));
        assert_eq!(judge(&copy, FACTS), Ok(Opcode::CopyToCard));
        assert_eq!(judge(&run(), FACTS), Ok(Opcode::Run));
        for (bad, refusal) in [
            (Descriptor::default(), (Status::BadOpcode, 0)),
            (Descriptor { flags: 4, ..copy }, (Status::BadReserved, 0)),
            (Descriptor { reserved_1: 1, ..run() }, (Status::BadReserved, 0)),
            (Descriptor { tokens: 1, ..copy }, (Status::BadReserved, 0)),
            (Descriptor { bytes: 4, ..run() }, (Status::BadReserved, 0)),
            (Descriptor { host_address: 4, ..Descriptor::nop(1) }, (Status::BadReserved, 0)),
            (Descriptor { card_address: 4, ..run() }, (Status::Misaligned, 4)),
            (Descriptor { host_address: 5, bytes: 2, ..copy }, (Status::Misaligned, 5)),
            (Descriptor { bytes: 2, ..copy }, (Status::Misaligned, 10)),
            (Descriptor { output_stride: 7, ..run() }, (Status::Misaligned, 7)),
            (Descriptor { bytes: 0, ..copy }, (Status::BadLength, 0)),
            (Descriptor { bytes: COPY_MAX + 4, ..copy }, (Status::BadLength, 0)),
            (Descriptor { program_length: 65_536, ..run() }, (Status::BadLength, 0)),
            (Descriptor { card_address: (1 << 20) - 8, ..copy }, (Status::CardRange, (1 << 20) - 8)),
            (Descriptor { card_address: u64::MAX - 3, ..copy }, (Status::CardRange, u64::MAX - 3)),
            (Descriptor { array: 16, ..run() }, (Status::UnsupportedShape, 0)),
            (Descriptor { tokens: 513, ..run() }, (Status::UnsupportedShape, 0)),
            (Descriptor { runs: 0, ..run() }, (Status::UnsupportedShape, 0)),
        ] {
            assert_eq!(judge(&bad, FACTS), Err(refusal), "{bad:?}");
        }
    }
}

//! Descriptors with all kinds of mistakes, and a model of the card's check.

use lockstep_accel_abi::codes::{COPY_MAX, DescriptorFlags, INSTRUCTION_BYTES, NO_TAG, PROGRAM_ALIGN};
use lockstep_accel_abi::{Descriptor, Opcode, Status};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::once;

/// The card's size and limits, as the units' defaults have them.
const ARRAY: u16 = 8;
const CARD_BYTES: u64 = 1 << 32;
const MAX_TOKENS: u16 = 512;
const MAX_HIDDEN: u16 = 1024;

/// A good descriptor, or one with a mistake or some.
pub(crate) fn draw(random: &mut Random) -> Descriptor {
    let mut d = good(random);
    while once(random, 2) {
        spoil(&mut d, random);
    }
    d
}

fn good(random: &mut Random) -> Descriptor {
    let mut pick = |lo: u64, hi: u64| lo + random.next() % (hi - lo + 1);
    let (tag, flags) = (pick(0, 0xffff) as u16, pick(0, 3) as u8);
    let [host, output] = [(); 2].map(|()| pick(0, u64::MAX / 8) * 4);
    match pick(0, 3) {
        0 => Descriptor { flags, ..Descriptor::nop(tag) },
        1 => {
            let program_length = [1, pick(1, 0xffff), 0xffff][pick(0, 2) as usize] as u32;
            let last = CARD_BYTES - u64::from(program_length) * u64::from(INSTRUCTION_BYTES);
            Descriptor {
                opcode: Opcode::Run as u8,
                flags,
                tag,
                program_length,
                card_address: [pick(0, last), last][pick(0, 1) as usize] & !(PROGRAM_ALIGN - 1),
                host_address: host,
                output_address: output,
                runs: pick(1, 0xffff) as u16,
                array: ARRAY,
                tokens: [1, MAX_TOKENS][pick(0, 1) as usize],
                hidden: [1, MAX_HIDDEN][pick(0, 1) as usize],
                input_stride: pick(0, 1 << 20) as u32 * 4,
                output_stride: pick(0, 1 << 20) as u32 * 4,
                ..Descriptor::default()
            }
        }
        to => {
            let bytes = [4, pick(1, u64::from(COPY_MAX) / 4) * 4, COPY_MAX.into()][pick(0, 2) as usize];
            let last = CARD_BYTES - bytes;
            let card = [pick(0, last), last][pick(0, 1) as usize] & !3;
            let copy = [Descriptor::copy_to_card, |tag, host, card, bytes| {
                Descriptor::copy_from_card(tag, card, host, bytes)
            }][to as usize - 2];
            Descriptor { flags, ..copy(tag, host, card, bytes as u32) }
        }
    }
}

/// One member of a descriptor becomes something else, often just beyond what is possible.
fn spoil(d: &mut Descriptor, random: &mut Random) {
    let mut pick = |lo: u64, hi: u64| lo + random.next() % (hi - lo + 1);
    let odd = pick(1, 3);
    match pick(0, 19) {
        0 => d.opcode = [0, 5, pick(0, 255) as u8][pick(0, 2) as usize],
        1 => d.flags |= 1 << pick(2, 7),
        2 => d.reserved_0 = 1 << pick(0, 31),
        3 => d.reserved_1 = 1 << pick(0, 63),
        4 => d.program_length = [0, 1, 0x1_0000, 0x10_0000][pick(0, 3) as usize],
        5 => d.bytes = [0, 4, odd as u32, COPY_MAX + 4, u32::MAX][pick(0, 4) as usize],
        6 => d.card_address |= odd,
        7 => d.card_address |= 1 << pick(2, 5),
        8 => d.card_address = (CARD_BYTES - 64 * pick(0, 2)).wrapping_add(4 * pick(0, 1)),
        9 => d.card_address = u64::MAX - 63,
        10 => d.host_address |= odd,
        11 => d.output_address |= odd,
        12 => d.input_stride |= odd as u32,
        13 => d.output_stride |= odd as u32,
        14 => d.runs = pick(0, 1) as u16,
        15 => d.array = [0, ARRAY + 1][pick(0, 1) as usize],
        16 => d.tokens = [0, MAX_TOKENS + 1][pick(0, 1) as usize],
        17 => d.hidden = [0, MAX_HIDDEN + 1][pick(0, 1) as usize],
        18 => d.card_address = 0,
        _ => d.host_address = 0,
    }
}

/// Its status, and the address that the status is about.
pub(crate) fn judge(d: &Descriptor) -> (Status, u64) {
    let Ok(opcode) = Opcode::try_from(d.opcode) else { return (Status::BadOpcode, 0) };
    let run = opcode == Opcode::Run;
    let copy = matches!(opcode, Opcode::CopyToCard | Opcode::CopyFromCard);
    // Members that an opcode does not use are zero.
    let used = Descriptor {
        opcode: d.opcode,
        tag: d.tag,
        flags: d.flags & (DescriptorFlags::INTERRUPT | DescriptorFlags::FENCE) as u8,
        ..match opcode {
            Opcode::Nop => Descriptor::default(),
            Opcode::Run => Descriptor { bytes: 0, reserved_0: 0, reserved_1: 0, ..*d },
            _ => Descriptor {
                card_address: d.card_address,
                host_address: d.host_address,
                bytes: d.bytes,
                ..Descriptor::default()
            },
        }
    };
    if used != *d {
        return (Status::BadReserved, 0);
    }
    let align = if run { PROGRAM_ALIGN } else { 4 };
    let wrong = [
        (d.card_address % align, d.card_address),
        (d.host_address % 4, d.host_address),
        (d.output_address % 4, d.output_address),
        (u64::from(d.input_stride) % 4, d.host_address.wrapping_add(d.input_stride.into())),
        (u64::from(d.output_stride) % 4, d.output_address.wrapping_add(d.output_stride.into())),
        (u64::from(d.bytes) % 4, d.card_address.wrapping_add(d.bytes.into())),
    ];
    if let Some((_, address)) = wrong.into_iter().find(|(rest, _)| *rest != 0) {
        return (Status::Misaligned, address);
    }
    let length = if run { d.program_length } else { d.bytes };
    let most = if run { 0xffff } else { COPY_MAX };
    let bytes = u64::from(length) * if run { u64::from(INSTRUCTION_BYTES) } else { 1 };
    if (run || copy) && (length == 0 || length > most) {
        return (Status::BadLength, 0);
    }
    if d.card_address.checked_add(bytes).is_none_or(|end| end > CARD_BYTES) {
        return (Status::CardRange, d.card_address);
    }
    let fits = (1..=MAX_TOKENS).contains(&d.tokens) && (1..=MAX_HIDDEN).contains(&d.hidden);
    if run && !(d.array == ARRAY && fits && d.runs > 0) {
        return (Status::UnsupportedShape, 0);
    }
    (Status::Ok, 0)
}

/// The `command_t` of a descriptor, or of one at `address` that the card could not read. Only some
/// members of a refused command have a meaning.
pub(crate) fn command(d: &Descriptor, unread: Option<u64>) -> Bits {
    let flag = |flag: u32| u64::from(u32::from(d.flags) & flag != 0);
    let own = [d.tag.into(), flag(DescriptorFlags::FENCE), flag(DescriptorFlags::INTERRUPT)];
    let (status, fault) = judge(d);
    let (status, fault, [tag, fence, notify]) = match unread {
        Some(address) => (Status::DescriptorRead, address, [NO_TAG.into(), 0, 1]),
        None => (status, fault, own),
    };
    Bits::concat(&[
        Bits::new(32, d.output_stride.into()),
        Bits::new(32, d.input_stride.into()),
        Bits::new(16, d.runs.into()),
        Bits::new(32, d.bytes.into()),
        Bits::new(64, d.output_address),
        Bits::new(64, d.host_address),
        Bits::new(64, d.card_address),
        Bits::new(16, d.program_length.into()),
        Bits::new(16, tag),
        Bits::new(1, fence),
        Bits::new(1, notify),
        Bits::new(8, d.opcode.into()),
        Bits::new(64, fault),
        Bits::new(8, status as u64),
    ])
}

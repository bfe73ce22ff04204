//! From work to commands for the card, and from the card's answers to results.

use lockstep_accel_abi::codes::COPY_MAX;
use lockstep_accel_abi::{Descriptor, Opcode};

use crate::batch::{Run, UNWRITTEN};
use crate::card_memory::{CardMemory, Placed};
use crate::host_memory::{HostMemory, outside};
use crate::spans::Spans;
use crate::uploads::Piece;
use crate::{Capabilities, Error, Outcome};

/// Bytes of the largest piece: four pieces fit into a memory for data of `bytes` bytes.
pub(crate) fn largest_piece(bytes: u64) -> usize {
    let quarter = bytes / 4;
    (quarter - quarter % Spans::BLOCK).clamp(Spans::BLOCK, COPY_MAX.into()) as usize
}

/// Writes the inputs of a run at byte `at` of the memory for data, and makes the command that
/// encodes them. The vectors will be behind the inputs.
pub(crate) fn encode(
    memory: &HostMemory,
    capabilities: &Capabilities,
    run: &Run,
    program: Placed,
    at: u64,
) -> Result<Descriptor, Error> {
    let outputs = at + run.inputs.len() as u64;
    memory.write_data(at, &run.inputs).map_err(outside)?;
    memory.write_data(outputs, &UNWRITTEN.to_le_bytes().repeat(run.numbers())).map_err(outside)?;
    Ok(Descriptor {
        opcode: Opcode::Run as u8,
        program_length: program.instructions,
        card_address: program.address,
        host_address: memory.data_iova(at),
        output_address: memory.data_iova(outputs),
        runs: run.members.len() as u16,
        array: capabilities.engine.lanes as u16,
        tokens: run.tokens as u16,
        hidden: run.model.hidden as u16,
        input_stride: 4 * run.tokens as u32,
        output_stride: 4 * run.model.hidden as u32,
        ..Descriptor::default()
    })
}

/// Reads the vectors of a run whose inputs are at byte `at`.
///
/// # Errors
/// The job failed, or [`Error::Unwritten`].
pub(crate) fn vectors(memory: &HostMemory, run: &Run, outcome: &Outcome, at: u64) -> Result<Vec<i32>, Error> {
    outcome.success()?;
    let mut bytes = vec![0; 4 * run.numbers()];
    memory.read_data(at + run.inputs.len() as u64, &mut bytes).map_err(outside)?;
    let words: Vec<i32> = bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect();
    match words.iter().position(|word| *word == UNWRITTEN) {
        None => Ok(words),
        Some(word) => Err(Error::Unwritten { tag: outcome.tag, word }),
    }
}

/// The command that copies a piece to the card, or back. Byte `at` of the memory for data is the
/// first byte of the piece. Before a copy back the piece's bytes are inverted there, so that a card
/// that writes nothing is noticed. `None` if the piece's model is not there any more.
pub(crate) fn copy(
    memory: &HostMemory,
    card: &CardMemory,
    piece: &Piece,
    at: u64,
) -> Option<Result<Descriptor, Error>> {
    let (mut bytes, address) = contents(card, piece)?;
    if piece.back {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
    }
    if let Err(range) = memory.write_data(at, &bytes) {
        return Some(Err(outside(range)));
    }
    let (host, len) = (memory.data_iova(at), bytes.len() as u32);
    Some(Ok(if piece.back {
        Descriptor::copy_from_card(0, address, host, len)
    } else {
        Descriptor::copy_to_card(0, host, address, len)
    }))
}

/// Checks a piece that was copied. One that was copied back must be what it should be.
///
/// # Errors
/// The job failed, or [`Error::Corrupt`].
pub(crate) fn check(
    memory: &HostMemory,
    card: &CardMemory,
    piece: &Piece,
    outcome: &Outcome,
    at: u64,
) -> Result<(), Error> {
    outcome.success()?;
    let Some((expected, address)) = contents(card, piece).filter(|_| piece.back) else { return Ok(()) };
    let mut found = vec![0; expected.len()];
    memory.read_data(at, &mut found).map_err(outside)?;
    let differs = || found.iter().zip(&expected).enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| i);
    match (differs().next(), differs().next_back()) {
        (Some(first), Some(last)) => Err(Error::Corrupt {
            what: piece.part.to_string(),
            first: address + first as u64,
            last: address + last as u64,
        }),
        _ => Ok(()),
    }
}

/// The bytes of a piece in whole words, and its card address.
fn contents(card: &CardMemory, piece: &Piece) -> Option<(Vec<u8>, u64)> {
    let (bytes, address) = card.contents(piece.part)?;
    let mut bytes = bytes.get(piece.at..piece.at + piece.bytes)?.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Some((bytes, address + piece.at as u64))
}

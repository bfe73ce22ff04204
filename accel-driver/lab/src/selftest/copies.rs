//! DMA: copies that begin and end at, before and behind page borders, and the bytes beside them.

use lockstep_accel_abi::Descriptor;
use lockstep_arith::sample::Random;

use crate::opening::LabCard;
use crate::problem::Problem;

use super::subject::Subject;

/// Bytes of a page of the IOMMU; no burst crosses its border.
const PAGE: u64 = 4096;
/// First bytes, from a page border on.
const STARTS: [i64; 7] = [-64, -60, -8, -4, 0, 4, 60];
/// Lengths in bytes.
const LENGTHS: [usize; 6] = [4, 8, 64, 68, 4096, 8200];
/// Bytes beside a copy that must stay as they are.
const BESIDE: u64 = 64;
/// What they are.
const KEPT: u8 = 0xa5;

pub(super) fn run(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let card = subject.card()?;
    // Two areas of host memory, each behind a page border with a page in front of it.
    let source = card.data_iova(0).next_multiple_of(PAGE) - card.data_iova(0) + PAGE;
    let target = source + 16 * PAGE;
    let mut random = Random::new(1);
    let mut copies = 0;
    for start in STARTS {
        for bytes in LENGTHS {
            let contents: Vec<u8> = (0..bytes).map(|_| random.next() as u8).collect();
            let at = |border: u64| border.wrapping_add_signed(start);
            // The border of the card's memory is met elsewhere than that of the host's.
            let card_address = PAGE.wrapping_add_signed(-start);
            copy(card, &contents, at(source), card_address, at(target))?;
            copies += 2;
        }
    }
    Ok(format!("{copies} copies at page borders"))
}

/// Copies bytes to the card and back, to another place of host memory.
fn copy(card: &mut LabCard, contents: &[u8], from: u64, at: u64, to: u64) -> Result<(), Problem> {
    let bytes = contents.len();
    let around = bytes + 2 * BESIDE as usize;
    let outside = |error| Problem::new(error, "report this mistake");
    card.write_data(from, contents).map_err(outside)?;
    card.write_data(to - BESIDE, &vec![KEPT; around]).map_err(outside)?;
    let jobs = [
        Descriptor::copy_to_card(0, card.data_iova(from), at, bytes as u32),
        Descriptor::copy_from_card(0, at, card.data_iova(to), bytes as u32).with_fence(),
    ];
    for outcome in card.execute(&jobs)? {
        outcome.success()?;
    }
    let mut found = vec![0; around];
    card.read_data(to - BESIDE, &mut found).map_err(outside)?;
    let mut expected = vec![KEPT; around];
    expected[BESIDE as usize..][..bytes].copy_from_slice(contents);
    let Some(i) = (0..around).find(|&i| found[i] != expected[i]) else { return Ok(()) };
    let (address, found, expected) = (card.data_iova(to - BESIDE) + i as u64, found[i], expected[i]);
    let error = format!(
        "{bytes} bytes went from {:#x} to {at:#x} of the card and back to {:#x}: byte {address:#x} is {found:#04x}, \
         not {expected:#04x}",
        card.data_iova(from),
        card.data_iova(to)
    );
    let inside = (BESIDE as usize..BESIDE as usize + bytes).contains(&i);
    let next = if inside {
        "the bridge at bursts that end at 4 KiB, and its unaligned beats; then card memory"
    } else {
        "the byte strobes of the bridge's writes: a byte beside the copy has changed"
    };
    Err(Problem::new(error, next))
}

//! The two products without intrinsics: the reference for the other kernels, and what a processor
//! without any of their instruction sets runs.

use crate::operands::{COLUMNS, GROUP, PackedPairs, PackedWeights, WEIGHT_OFFSET, weight_index};

/// (10): [`crate::Isa::products`].
pub(crate) fn products(q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
    weights.rows_of(q, out.len());
    for (q, out) in q.chunks_exact(weights.row_len()).zip(out.chunks_exact_mut(weights.outputs())) {
        let panels = weights.lines().chunks_exact(weights.groups());
        let starts = weights.start().chunks_exact(COLUMNS);
        for ((panel, start), out) in panels.zip(starts).zip(out.chunks_mut(COLUMNS)) {
            let mut acc = [0; COLUMNS];
            acc.copy_from_slice(start);
            for (line, q) in panel.iter().zip(q.chunks_exact(GROUP)) {
                for (c, acc) in acc.iter_mut().enumerate() {
                    for (k, &q) in q.iter().enumerate() {
                        let w = i32::from(line.0[weight_index(k, c)]) - WEIGHT_OFFSET;
                        *acc += i32::from(q) * w;
                    }
                }
            }
            out.copy_from_slice(&acc[..out.len()]);
        }
    }
}

/// (19), (24): [`crate::Isa::pair_products`].
pub(crate) fn pair_products(a: &[i16], b: &PackedPairs, out: &mut [i32]) {
    b.rows_of(a, out.len());
    for (a, out) in a.chunks_exact(b.row_len()).zip(out.chunks_exact_mut(b.outputs())) {
        for (panel, out) in b.lines().chunks_exact(b.groups()).zip(out.chunks_mut(COLUMNS)) {
            let mut acc = [0; COLUMNS];
            for (line, pair) in panel.iter().zip(a.chunks_exact(2)) {
                for (acc, b) in acc.iter_mut().zip(line.0.chunks_exact(GROUP)) {
                    let b = [i16::from_ne_bytes([b[0], b[1]]), i16::from_ne_bytes([b[2], b[3]])];
                    *acc += i32::from(pair[0]) * i32::from(b[0]) + i32::from(pair[1]) * i32::from(b[1]);
                }
            }
            out.copy_from_slice(&acc[..out.len()]);
        }
    }
}

//! Stock tract on an ordinary ONNX export, fp32 or ONNX Runtime's dynamic int8: a peer of the
//! bench, natively and in WebAssembly.

// Brings the hook that the bare target needs, which has no source of entropy.
#[cfg(target_family = "wasm")]
use lockstep_model as _;
use tract_onnx::{prelude::*, tract_hir::internal::bail};

/// A plan for one shape, built as users of tract build it.
pub struct Plan {
    runnable: std::sync::Arc<TypedRunnableModel>,
    batch: usize,
    tokens: usize,
}

impl Plan {
    /// Loads and optimises an ONNX file for `batch` sequences of `tokens` tokens.
    ///
    /// # Errors
    /// If tract refuses the file.
    pub fn open(onnx: &[u8], batch: usize, tokens: usize) -> TractResult<Self> {
        // The shapes in the file name the exporter's symbols, which contradict a fixed length.
        let tract = tract_onnx::onnx().with_ignore_value_info(true).with_ignore_output_shapes(true);
        let mut model = tract.model_for_read(&mut &*onnx)?;
        for input in 0..model.inputs.len() {
            model.set_input_fact(input, i64::fact([batch, tokens]).into())?;
        }
        Ok(Self { runnable: model.into_optimized()?.into_runnable()?, batch, tokens })
    }

    /// The mean of the hidden states of each sequence; there are `batch * tokens` ids.
    ///
    /// # Errors
    /// If the number of ids is another one, or tract fails.
    pub fn run(&self, ids: &[i64]) -> TractResult<Vec<Vec<f32>>> {
        let (batch, tokens) = (self.batch, self.tokens);
        let inputs = self.runnable.model().inputs.iter().map(|outlet| {
            let name = &self.runnable.model().node(outlet.node).name;
            if name.contains("ids") && !name.contains("type") {
                Ok(Tensor::from_shape(&[batch, tokens], ids)?.into())
            } else {
                let value = i64::from(name.contains("mask"));
                Ok(Tensor::from_shape(&[batch, tokens], &vec![value; batch * tokens])?.into())
            }
        });
        let inputs = inputs.collect::<TractResult<TVec<TValue>>>()?;
        let outputs = self.runnable.run(inputs)?;
        let hidden = outputs[0].to_plain_array_view::<f32>()?;
        let Some(hidden) = hidden.as_slice() else { bail!("the output is not in one piece") };
        let width = hidden.len() / (batch * tokens);
        Ok(hidden.chunks_exact(tokens * width).map(|rows| mean(rows, width)).collect())
    }
}

fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let count = (rows.len() / width) as f32;
    sums.iter().map(|sum| sum / count).collect()
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "buffers cross the module's boundary as addresses")]
#[allow(unreachable_pub, reason = "the exports are reached by name")]
mod exports {
    use std::cell::RefCell;

    use super::Plan;

    #[derive(Default)]
    struct Peer {
        file: Vec<u8>,
        plan: Option<Plan>,
        ids: Vec<i64>,
        output: Vec<f32>,
    }

    thread_local! {
        static PEER: RefCell<Peer> = RefCell::default();
    }

    /// Gives room for the file, which the caller fills.
    #[unsafe(no_mangle)]
    pub extern "C" fn peer_alloc(len: usize) -> *mut u8 {
        PEER.with_borrow_mut(|peer| {
            peer.file = vec![0; len];
            peer.file.as_mut_ptr()
        })
    }

    /// Plans the file for a shape. Gives room for the ids, which the caller fills, or null.
    #[unsafe(no_mangle)]
    pub extern "C" fn peer_open(batch: usize, tokens: usize) -> *mut i64 {
        PEER.with_borrow_mut(|peer| {
            peer.plan = Plan::open(&peer.file, batch, tokens).ok();
            peer.file = Vec::new();
            peer.ids = vec![0; batch * tokens];
            if peer.plan.is_some() { peer.ids.as_mut_ptr() } else { std::ptr::null_mut() }
        })
    }

    /// Runs the ids. Gives the means, one row for each sequence, or null.
    #[unsafe(no_mangle)]
    pub extern "C" fn peer_run() -> *const f32 {
        PEER.with_borrow_mut(|peer| {
            let means = peer.plan.as_ref().and_then(|plan| plan.run(&peer.ids).ok());
            peer.output = means.unwrap_or_default().concat();
            if peer.output.is_empty() { std::ptr::null() } else { peer.output.as_ptr() }
        })
    }
}

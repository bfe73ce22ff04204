//! Stock tract on an ordinary ONNX export (fp32 or ONNX Runtime's dynamic int8), natively and in WebAssembly: what
//! one gets without Lockstep.

// The model crate defines the entropy hook of the bare WebAssembly target.
use lockstep_model as _;
use tract_onnx::prelude::*;

/// A plan for one sequence length, as tract's users build it.
pub struct Plan {
    runnable: std::sync::Arc<TypedRunnableModel>,
    tokens: usize,
}

impl Plan {
    /// Loads and optimises the file for sequences of `tokens` tokens.
    ///
    /// # Errors
    /// What tract says.
    pub fn open(onnx: &[u8], tokens: usize) -> TractResult<Self> {
        // Files carry the shapes of their exporter's symbols, which a fixed length contradicts.
        let tract = tract_onnx::onnx().with_ignore_value_info(true).with_ignore_output_shapes(true);
        let mut model = tract.model_for_read(&mut &*onnx)?;
        for input in 0..model.inputs.len() {
            model.set_input_fact(input, i64::fact([1, tokens]).into())?;
        }
        Ok(Self { runnable: model.into_optimized()?.into_runnable()?, tokens })
    }

    /// Runs one sequence of the token `the`; gives the sum of the outputs, so that nothing is optimised away.
    ///
    /// # Errors
    /// What tract says.
    pub fn run(&self) -> TractResult<f32> {
        let tokens = self.tokens;
        let inputs = self.runnable.model().inputs.iter().map(|outlet| {
            let name = &self.runnable.model().node(outlet.node).name;
            let value = if name.contains("ids") && !name.contains("type") {
                1996
            } else {
                i64::from(name.contains("mask"))
            };
            Ok(Tensor::from_shape(&[1, tokens], &vec![value; tokens])?.into())
        });
        let inputs = inputs.collect::<TractResult<TVec<TValue>>>()?;
        let outputs = self.runnable.run(inputs)?;
        Ok(outputs[0].to_plain_array_view::<f32>()?.iter().sum())
    }
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "buffers cross the module's boundary as addresses")]
#[allow(unreachable_pub, reason = "the exports are reached by name")]
mod exports {
    use std::cell::RefCell;

    use super::Plan;

    thread_local! {
        static FILE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
    }

    /// Room for the file; the caller fills it.
    #[unsafe(no_mangle)]
    pub extern "C" fn peer_alloc(len: usize) -> *mut u8 {
        FILE.with_borrow_mut(|file| {
            *file = vec![0; len];
            file.as_mut_ptr()
        })
    }

    /// Plans the file for a length; 0 where that worked.
    #[unsafe(no_mangle)]
    pub extern "C" fn peer_open(tokens: usize) -> u32 {
        let plan = FILE.with_borrow(|file| Plan::open(file, tokens));
        let status = u32::from(plan.is_err());
        PLAN.set(plan.ok());
        status
    }

    /// Runs one sequence.
    #[unsafe(no_mangle)]
    pub extern "C" fn peer_run() -> f32 {
        PLAN.with_borrow(|plan| plan.as_ref().and_then(|p| p.run().ok()).unwrap_or(f32::NAN))
    }
}

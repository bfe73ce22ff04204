//! A fused operator as a node of tract's plan.

use std::fmt;
use std::sync::{Arc, OnceLock};

use lockstep_kernels::Kernel;
use tract_core::internal::*;

/// The computation of a fused operator. It has the inputs and outputs that `FORMAT.md` lists,
/// without the parameters.
pub(crate) trait Step: fmt::Debug + Send + Sync {
    /// Element type and width of each output.
    fn outputs(&self) -> TVec<(DatumType, usize)>;

    /// The index of the input that has as many rows as the outputs: 0, or the index of `starts`.
    fn rows_of(&self) -> usize {
        0
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>>;
}

/// The kernel of a model. It is chosen at the first use, because a model may be opened on one
/// machine, as part of a memory snapshot, and run on others.
#[derive(Clone, Debug, Default)]
pub(crate) struct KernelCell(Arc<OnceLock<Kernel>>);

impl KernelCell {
    pub(crate) fn get(&self) -> Kernel {
        *self.0.get_or_init(Kernel::new)
    }
}

/// A node of the plan.
#[derive(Clone, Debug)]
pub(crate) struct Fused {
    /// The operator's name in `FORMAT.md`.
    pub(crate) name: &'static str,
    pub(crate) step: Arc<dyn Step>,
    pub(crate) kernel: KernelCell,
}

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.step, &other.step)
    }
}

impl Eq for Fused {}

impl Op for Fused {
    fn name(&self) -> StaticName {
        self.name.into()
    }

    op_as_typed_op!();
}

impl EvalOp for Fused {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.step.eval(self.kernel.get(), &inputs)
    }
}

impl TypedOp for Fused {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let rows = &inputs[self.step.rows_of()].shape[0];
        let fact = |(kind, width): (DatumType, usize)| kind.fact([rows.clone(), width.to_dim()]);
        Ok(self.step.outputs().into_iter().map(fact).collect())
    }
}

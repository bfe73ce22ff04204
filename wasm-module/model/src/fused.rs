//! tract's side of a fused operator: from the node of a file to a node of the plan.

use std::fmt;
use std::sync::Arc;

use lockstep_kernels::Kernel;
use tract_onnx::Onnx;
use tract_onnx::tract_hir::infer::InferenceOp;
use tract_onnx::tract_hir::internal::*;

use crate::format::{OPERATORS, Operator};
use crate::steps;

/// What a fused operator computes. Inputs and outputs are those of `FORMAT.md`, without the parameters.
pub(crate) trait Step: fmt::Debug + Send + Sync {
    /// Element type and width of each output.
    fn outputs(&self) -> TVec<(DatumType, usize)>;

    /// Which input has as many rows as the outputs: 0, or the one of `starts`.
    fn rows_of(&self) -> usize {
        0
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>>;
}

/// Registers all operators of the format.
pub(crate) fn register(onnx: &mut Onnx) {
    for operator in &OPERATORS {
        onnx.op_register.insert(operator.name, |_, node| {
            let operator = Operator::named(&node.op_type).context("an operator of the format")?;
            let attributes = operator.attribute_values(node)?;
            Ok((expand(Parsed { operator, attributes }) as Box<dyn InferenceOp>, vec![]))
        });
    }
}

/// A node with its parameters among its inputs, as the file has it.
#[derive(Clone, Debug)]
struct Parsed {
    operator: &'static Operator,
    attributes: Vec<i64>,
}

impl Expansion for Parsed {
    fn name(&self) -> StaticName {
        self.operator.name.into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.operator.outputs)
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        _solver: &mut Solver<'r>,
        _inputs: &'p [TensorProxy],
        _outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        // `wire` derives all shapes from the parameters.
        Ok(())
    }

    /// Takes the parameters in: the node of the plan has the computed inputs only.
    fn wire(&self, name: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let (data, parameters) = inputs.split_at(self.operator.data);
        let tensor = |outlet: &OutletId| {
            model.outlet_fact(*outlet)?.konst.clone().with_context(|| format!("{name}: a constant"))
        };
        let tensors = parameters.iter().map(tensor).collect::<TractResult<Vec<_>>>()?;
        let width = |outlet: &OutletId| {
            let fact = model.outlet_fact(*outlet)?;
            Ok(fact.shape.get(1).map_or(Ok(0), |dim| dim.to_usize())?)
        };
        let widths = data.iter().map(width).collect::<TractResult<Vec<_>>>()?;
        let part = steps::Part { name, tensors: &tensors, attributes: &self.attributes, widths: &widths };
        let step = steps::build(self.operator.name, &part)?;
        model.wire_node(name, Fused { name: self.operator.name, step, kernel: Kernel::new() }, data)
    }
}

/// A node of the plan.
#[derive(Clone, Debug)]
struct Fused {
    name: &'static str,
    step: Arc<dyn Step>,
    kernel: Kernel,
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
        self.step.eval(self.kernel, &inputs)
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

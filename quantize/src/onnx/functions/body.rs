//! Writes the body of one model-local function, a node a call.

use crate::onnx::proto::{
    Attribute, DOMAIN, Element, Function, INT16, INT32, INT64, Node, OperatorSet, Tensor, UINT8,
};

/// The name of a value inside a body.
pub(super) type Value = String;

/// A function under construction.
pub(super) struct Body {
    function: Function,
    values: usize,
}

impl Body {
    /// A function of the domain `lockstep`; `doc` cites the equations that it computes.
    pub(super) fn new(name: &str, inputs: &[&str], attributes: &[&str], doc: &str) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        let function = Function {
            name: name.to_owned(),
            input: owned(inputs),
            attribute: owned(attributes),
            doc_string: doc.to_owned(),
            opset_import: vec![OperatorSet::standard(), OperatorSet::lockstep()],
            domain: DOMAIN.to_owned(),
            ..Function::default()
        };
        Self { function, values: 0 }
    }

    /// Ends the body: each result, which a node of the body gives, gets the name of an output.
    pub(super) fn finish(mut self, outputs: &[(&str, Value)]) -> Function {
        for (output, result) in outputs {
            for node in &mut self.function.node {
                for name in node.input.iter_mut().chain(&mut node.output).filter(|name| *name == result) {
                    *name = (*output).to_owned();
                }
            }
            self.function.output.push((*output).to_owned());
        }
        self.function
    }

    fn node(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        outputs: usize,
        attribute: Vec<Attribute>,
    ) -> Vec<Value> {
        let output: Vec<Value> = (self.values..self.values + outputs).map(|i| format!("t{i}")).collect();
        self.values += outputs;
        self.function.node.push(Node {
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: output.clone(),
            op_type: op.to_owned(),
            attribute,
            domain: domain.to_owned(),
            ..Node::default()
        });
        output
    }

    /// A standard operator of one output.
    pub(super) fn op(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> Value {
        self.node("", op, inputs, 1, attributes).remove(0)
    }

    /// A function of this domain with one output.
    pub(super) fn call(&mut self, function: &str, inputs: &[&str]) -> Value {
        self.node(DOMAIN, function, inputs, 1, Vec::new()).remove(0)
    }

    /// A function of this domain with `N` outputs.
    pub(super) fn call_many<const N: usize>(&mut self, function: &str, inputs: &[&str]) -> [Value; N] {
        let mut names = self.node(DOMAIN, function, inputs, N, Vec::new()).into_iter();
        std::array::from_fn(|_| names.next().unwrap_or_default())
    }

    fn constant<T: Element>(&mut self, dims: &[usize], data: &[T]) -> Value {
        self.op("Constant", &[], vec![Attribute::tensor("value", Tensor::new("", dims, data))])
    }

    /// An int32 scalar.
    pub(super) fn int32(&mut self, value: i32) -> Value {
        self.constant(&[], &[value])
    }

    /// An int32 vector.
    pub(super) fn int32s(&mut self, values: &[i32]) -> Value {
        self.constant(&[values.len()], values)
    }

    /// An int64 scalar.
    pub(super) fn int64(&mut self, value: i64) -> Value {
        self.constant(&[], &[value])
    }

    /// An int64 vector.
    pub(super) fn int64s(&mut self, values: &[i64]) -> Value {
        self.constant(&[values.len()], values)
    }

    /// An integer attribute of the function, as an int64 scalar.
    pub(super) fn attribute(&mut self, name: &str) -> Value {
        self.op("Constant", &[], vec![Attribute::int_of_caller("value_int", name)])
    }

    fn cast(&mut self, x: &str, to: i32) -> Value {
        self.op("Cast", &[x], vec![Attribute::int("to", to.into())])
    }

    /// To uint8; the value fits.
    pub(super) fn cast_uint8(&mut self, x: &str) -> Value {
        self.cast(x, UINT8)
    }

    /// To int16; the value fits.
    pub(super) fn cast_int16(&mut self, x: &str) -> Value {
        self.cast(x, INT16)
    }

    /// To int32; the value fits.
    pub(super) fn cast_int32(&mut self, x: &str) -> Value {
        self.cast(x, INT32)
    }

    /// To int64.
    pub(super) fn cast_int64(&mut self, x: &str) -> Value {
        self.cast(x, INT64)
    }

    /// `a + b`.
    pub(super) fn add(&mut self, a: &str, b: &str) -> Value {
        self.op("Add", &[a, b], Vec::new())
    }

    /// `a - b`.
    pub(super) fn sub(&mut self, a: &str, b: &str) -> Value {
        self.op("Sub", &[a, b], Vec::new())
    }

    /// `a * b`.
    pub(super) fn mul(&mut self, a: &str, b: &str) -> Value {
        self.op("Mul", &[a, b], Vec::new())
    }

    /// `a / b`, which truncates: both are non-negative here, so it is the floor.
    pub(super) fn div(&mut self, a: &str, b: &str) -> Value {
        self.op("Div", &[a, b], Vec::new())
    }

    /// The lesser of two.
    pub(super) fn min(&mut self, a: &str, b: &str) -> Value {
        self.op("Min", &[a, b], Vec::new())
    }

    /// The greater of two.
    pub(super) fn max(&mut self, a: &str, b: &str) -> Value {
        self.op("Max", &[a, b], Vec::new())
    }

    /// An int32 tensor clamped to `[lo, hi]`.
    pub(super) fn clamp32(&mut self, x: &str, lo: i32, hi: i32) -> Value {
        let (lo, hi) = (self.int32(lo), self.int32(hi));
        self.op("Clip", &[x, &lo, &hi], Vec::new())
    }

    /// `Gather` along an axis.
    pub(super) fn gather(&mut self, table: &str, indices: &str, axis: i64) -> Value {
        self.op("Gather", &[table, indices], vec![Attribute::int("axis", axis)])
    }

    /// `ReduceSum` or `ReduceMax` over the last axis, which stays with extent 1.
    pub(super) fn reduce_last(&mut self, op: &str, x: &str) -> Value {
        let axes = self.int64s(&[-1]);
        self.op(op, &[x, &axes], vec![Attribute::int("keepdims", 1)])
    }

    /// A new axis of extent 1.
    pub(super) fn unsqueeze(&mut self, x: &str, axis: i64) -> Value {
        let axes = self.int64s(&[axis]);
        self.op("Unsqueeze", &[x, &axes], Vec::new())
    }

    /// The extent of one axis, an int64 scalar.
    pub(super) fn extent(&mut self, x: &str, axis: i64) -> Value {
        let shape = self.op("Shape", &[x], Vec::new());
        let axis = self.int64(axis);
        self.gather(&shape, &axis, 0)
    }
}

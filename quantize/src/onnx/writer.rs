//! Writes the ONNX file of an encoder.

use std::borrow::Borrow;

use lockstep_arith::embedding::Embedding;
use lockstep_arith::encoder::{Dense, Encoder, Head, Layer, Pooling};
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::Sign;
use prost::Message;

use super::functions::functions_of;
use super::proto::{
    Attribute, DOMAIN, Dimension, Element, Graph, INT32, INT64, Model, Node, OperatorSet, Property, Shape,
    Tensor, TensorType, Type, ValueInfo,
};

/// The version of the intermediate representation that belongs to opset 18.
const IR_VERSION: i64 = 9;

/// The bytes of the ONNX file of an encoder that [`Encoder::validate`] accepts. `metadata` becomes
/// the properties of the model. Equal arguments give equal bytes.
///
/// Two fields have no effect and are not stored: the `pooling` of an encoder with a head, and the
/// `residual_shift` of the embedding's LayerNorm.
///
/// # Panics
/// As [`graph`].
#[must_use]
pub fn write(encoder: &Encoder, metadata: &[(String, String)]) -> Vec<u8> {
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: DOMAIN.to_owned(),
        graph: Some(graph(encoder)),
        opset_import: vec![OperatorSet::standard(), OperatorSet::lockstep()],
        metadata_props: metadata
            .iter()
            .map(|(key, value)| Property { key: key.clone(), value: value.clone() })
            .collect(),
        functions: functions_of(encoder),
    };
    model.encode_to_vec()
}

/// The graph of an encoder, with its nodes in the order of evaluation.
///
/// # Panics
/// If the encoder has no layers, if a LayerNorm before the last has no equalised output, or if the
/// last one has one.
#[must_use]
pub fn graph(encoder: &Encoder) -> Graph {
    assert!(!encoder.layers.is_empty(), "an encoder of no layers has no file");
    let mut writer = Writer { hidden: encoder.hidden(), nodes: Vec::new(), tensors: Vec::new() };
    let mut flow = writer.embedding(&encoder.embedding, &encoder.embedding_norm);
    for (i, layer) in encoder.layers.iter().enumerate() {
        let last = i + 1 == encoder.layers.len();
        flow = writer.layer(&format!("layer.{i}"), layer, encoder.heads, &flow, last);
    }
    let output = writer.ending(encoder, &flow.stream);
    Graph {
        node: writer.nodes,
        name: "encoder".to_owned(),
        initializer: writer.tensors,
        input: vec![
            value_info("input_ids", INT64, vec![named("N")]),
            value_info("token_type_ids", INT64, vec![named("N")]),
            value_info("starts", INT64, vec![named("B")]),
        ],
        output: vec![output],
    }
}

/// The names of the two values that one part passes to the next.
struct Flow {
    stream: String,
    equalised: String,
}

impl Flow {
    fn of(part: &str) -> Self {
        Self { stream: format!("{part}.stream"), equalised: format!("{part}.equalised") }
    }
}

struct Writer {
    hidden: usize,
    nodes: Vec<Node>,
    tensors: Vec<Tensor>,
}

impl Writer {
    /// Adds an initializer of the part `part`. Gives its name.
    fn tensor<T: Element>(&mut self, part: &str, what: &str, dims: &[usize], data: &[T]) -> String {
        let name = format!("{part}.{what}");
        self.tensors.push(Tensor::new(&name, dims, data));
        name
    }

    /// Adds `.w`, `.c` and `.b` of a linear layer.
    fn linear(&mut self, part: &str, linear: &Linear) -> [String; 3] {
        let outputs = linear.outputs;
        [
            self.tensor(part, "w", &[linear.inputs, outputs], &linear.weights),
            self.tensor(part, "c", &[outputs], &linear.multipliers),
            self.tensor(part, "b", &[outputs], &linear.biases),
        ]
    }

    /// Adds `.gain` and `.offset`, and in all but the last LayerNorm `.gain_e` and `.offset_e`.
    fn norm(&mut self, part: &str, norm: &LayerNorm, last: bool) -> Vec<String> {
        assert_eq!(norm.equalised.is_none(), last, "{part}: only the last LayerNorm has one output");
        let mut names = self.affine(part, "", &norm.stream);
        if let Some(equalised) = &norm.equalised {
            names.extend(self.affine(part, "_e", equalised));
        }
        names
    }

    fn affine(&mut self, part: &str, suffix: &str, affine: &Affine) -> Vec<String> {
        vec![
            self.tensor(part, &format!("gain{suffix}"), &[self.hidden], &affine.gain),
            self.tensor(part, &format!("offset{suffix}"), &[self.hidden], &affine.offset),
        ]
    }

    fn node(
        &mut self,
        name: &str,
        op: &str,
        input: Vec<String>,
        output: Vec<String>,
        attributes: &[(&str, i64)],
    ) {
        self.nodes.push(Node {
            input,
            output,
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute: attributes.iter().map(|&(name, value)| Attribute::int(name, value)).collect(),
            domain: DOMAIN.to_owned(),
        });
    }

    fn embedding(&mut self, embedding: &Embedding, norm: &LayerNorm) -> Flow {
        let part = "embedding";
        let d = self.hidden;
        let vocabulary = embedding.vocabulary();
        let mut input = owned(&["input_ids", "token_type_ids", "starts"]);
        input.extend([
            self.tensor(part, "words", &[vocabulary, d], &embedding.words),
            self.tensor(part, "word_scales", &[vocabulary], &embedding.word_scales),
            self.tensor(part, "positions", &[embedding.position_count(), d], &embedding.positions),
            self.tensor(part, "types", &[embedding.type_count(), d], &embedding.types),
        ]);
        input.extend(self.norm(part, norm, false));
        let flow = Flow::of(part);
        let output = vec![flow.stream.clone(), flow.equalised.clone()];
        self.node(part, "Embed", input, output, &[("table_shift", embedding.table_shift.into())]);
        flow
    }

    fn layer(&mut self, name: &str, layer: &Layer, heads: usize, flow: &Flow, last: bool) -> Flow {
        let projection = format!("{name}.projection");
        let mut input = vec![flow.equalised.clone()];
        input.extend(self.linear(&projection, &layer.projection));
        let projected = format!("{projection}.projected");
        self.node(&projection, "Linear16", input, vec![projected.clone()], &shifts(&layer.projection));

        let attention = format!("{name}.attention");
        let context = format!("{attention}.context");
        let attributes = [
            ("heads", heads as i64),
            ("score_multiplier", layer.score.multiplier.into()),
            ("score_shift", layer.score.shift.into()),
        ];
        let input = vec![projected, "starts".to_owned()];
        self.node(&attention, "Attention", input, vec![context.clone()], &attributes);

        let output = format!("{name}.output");
        let middle = self.linear_norm(&output, &layer.output, &layer.attention_norm, &context, flow, false);

        let expand = format!("{name}.expand");
        let mut input = vec![middle.equalised.clone()];
        input.extend(self.linear(&expand, &layer.expand));
        let table = &layer.activation.bump;
        input.push(self.tensor(&expand, "bump", &[3, 8], &table.coefficients.concat()));
        let equaliser = &layer.activation.equaliser;
        input.push(self.tensor(&expand, "equaliser", &[equaliser.len()], equaliser));
        let mut attributes = shifts(&layer.expand).to_vec();
        attributes.push(("fraction_bits", table.fraction_bits.into()));
        attributes.push(("offset", layer.activation.offset.into()));
        let activated = format!("{expand}.activated");
        self.node(&expand, "LinearActivation", input, vec![activated.clone()], &attributes);

        let contract = format!("{name}.contract");
        self.linear_norm(&contract, &layer.contract, &layer.output_norm, &activated, &middle, last)
    }

    fn linear_norm(
        &mut self,
        part: &str,
        linear: &Linear,
        norm: &LayerNorm,
        x: &str,
        flow: &Flow,
        last: bool,
    ) -> Flow {
        let mut input = vec![x.to_owned(), flow.stream.clone()];
        input.extend(self.linear(part, linear));
        input.extend(self.norm(part, norm, last));
        let next = Flow::of(part);
        let mut output = vec![next.stream.clone()];
        if !last {
            output.push(next.equalised.clone());
        }
        let mut attributes = shifts(linear).to_vec();
        attributes.push(("residual_shift", norm.residual_shift.into()));
        attributes.push(("unsigned", (linear.sign == Sign::Unsigned).into()));
        self.node(part, if last { "LinearNormLast" } else { "LinearNorm" }, input, output, &attributes);
        next
    }

    /// Adds the pooling and the dense layers, or the head. Gives the output of the graph.
    fn ending(&mut self, encoder: &Encoder, stream: &str) -> ValueInfo {
        let input = owned(&[stream, "starts"]);
        if let Some(head) = &encoder.head {
            self.node("pool", "FirstRow", input, owned(&["pool.row"]), &[]);
            return self.head(head);
        }
        let (plain, row) = match encoder.pooling {
            Pooling::Mean => (Some("PoolMean"), "MeanRow"),
            Pooling::Cls => (Some("PoolFirst"), "FirstRow"),
            Pooling::Max => (None, "MaxRow"),
            Pooling::WeightedMean => (None, "WeightedRow"),
        };
        let mut width = self.hidden;
        if let Some(op) = plain.filter(|_| encoder.dense.is_empty()) {
            self.node("pool", op, input, owned(&["pooled"]), &[]);
        } else {
            self.node("pool", row, input, owned(&["pool.row"]), &[]);
            let mut value = "pool.row".to_owned();
            for (i, dense) in encoder.dense.iter().enumerate() {
                value = self.dense(&format!("dense.{i}"), dense, value);
                width = dense.linear.outputs;
            }
            self.node("vector", "Widen", vec![value], owned(&["pooled"]), &[]);
        }
        value_info("pooled", INT32, vec![named("B"), fixed(width)])
    }

    /// Adds a dense layer, or the pooler of a head. Gives the name of its output.
    fn dense(&mut self, part: &str, dense: &Dense<impl Borrow<Linear>>, x: String) -> String {
        let linear = dense.linear.borrow();
        let mut input = vec![x];
        input.extend(self.linear(part, linear));
        let mut attributes = shifts(linear).to_vec();
        let mut op = "Linear16";
        if let Some(tanh) = &dense.tanh {
            input.push(self.tensor(part, "table", &[3, 8], &tanh.coefficients.concat()));
            attributes.push(("fraction_bits", tanh.fraction_bits.into()));
            op = "LinearTanh";
        }
        let output = format!("{part}.pooled");
        self.node(part, op, input, vec![output.clone()], &attributes);
        output
    }

    fn head(&mut self, head: &Head) -> ValueInfo {
        let pooler = Dense { linear: &head.pooler, tanh: Some(head.tanh.clone()) };
        let pooled = self.dense("head.pooler", &pooler, "pool.row".to_owned());
        let classifier = "head.classifier";
        let mut input = vec![pooled];
        input.extend(self.linear(classifier, &head.classifier));
        self.node(classifier, "Linear", input, owned(&["logits"]), &shifts(&head.classifier));
        value_info("logits", INT32, vec![named("B"), fixed(head.classifier.outputs)])
    }
}

fn shifts(linear: &Linear) -> [(&'static str, i64); 2] {
    [("acc_shift", linear.acc_shift.into()), ("out_shift", linear.out_shift.into())]
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn named(name: &str) -> Dimension {
    Dimension { dim_value: None, dim_param: Some(name.to_owned()) }
}

fn fixed(extent: usize) -> Dimension {
    Dimension { dim_value: Some(extent as i64), dim_param: None }
}

fn value_info(name: &str, elem_type: i32, dim: Vec<Dimension>) -> ValueInfo {
    let tensor_type = Some(TensorType { elem_type, shape: Some(Shape { dim }) });
    ValueInfo { name: name.to_owned(), r#type: Some(Type { tensor_type }) }
}

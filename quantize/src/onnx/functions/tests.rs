//! ONNX Runtime evaluates the small functions at the ends of their ranges, which no model reaches.
//! The results equal those of the reference.

use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep_arith::activation::{SEGMENTS, Table};
use lockstep_arith::attention::{ContextScale, ScoreScale, exp2};
use lockstep_arith::fixed::{bit_length, floor_sqrt, mul_q15, round_shift, round_shift_wide, sat16};
use lockstep_arith::layer_norm::{clamp_sum, normalise};
use lockstep_arith::rows::{Scale, Sign};
use lockstep_arith::sample::Random;
use prost::Message;

use crate::onnx::functions::{usual, vector};
use crate::onnx::proto::{
    DOMAIN, Element, Graph, INT32, INT64, Model, Node, OperatorSet, Tensor, TensorType, Type, UINT8,
    ValueInfo,
};

const RUN: &str = "import json, sys, onnxruntime as ort
for output in ort.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider']).run(None, {}):
    print(json.dumps(output.ravel().tolist()))";

/// Calls of functions with constant arguments, and what they must give.
#[derive(Default)]
struct Calls {
    graph: Graph,
    expected: Vec<(String, Vec<i64>)>,
}

impl Calls {
    fn call(&mut self, function: &str, arguments: Vec<Tensor>, results: &[(i32, Vec<i64>)]) {
        let index = self.graph.node.len();
        let mut node = Node { op_type: function.to_owned(), domain: DOMAIN.to_owned(), ..Node::default() };
        for (i, mut tensor) in arguments.into_iter().enumerate() {
            tensor.name = format!("{function}.{index}.input.{i}");
            node.input.push(tensor.name.clone());
            self.graph.initializer.push(tensor);
        }
        for (i, (elem_type, expected)) in results.iter().enumerate() {
            let name = format!("{function}.{index}.output.{i}");
            node.output.push(name.clone());
            let tensor_type = Some(TensorType { elem_type: *elem_type, shape: None });
            self.graph.output.push(ValueInfo { name: name.clone(), r#type: Some(Type { tensor_type }) });
            self.expected.push((name, expected.clone()));
        }
        self.graph.node.push(node);
    }

    /// Compares every result.
    fn check(mut self) {
        self.graph.name = "calls".to_owned();
        let model = Model {
            ir_version: 9,
            graph: Some(self.graph),
            opset_import: vec![OperatorSet::standard(), OperatorSet::lockstep()],
            functions: [usual(), vector::functions()].concat(),
            ..Model::default()
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("calls.onnx");
        std::fs::write(&path, model.encode_to_vec()).expect("the model is written");
        let output = Command::new(python()).args(["-c", RUN]).arg(&path).output().expect("python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("ASCII");
        assert_eq!(text.lines().count(), self.expected.len());
        for (line, (name, expected)) in text.lines().zip(&self.expected) {
            let found: Vec<i64> = serde_json::from_str(line).expect("a list of integers");
            assert_eq!(found.len(), expected.len(), "{name}");
            let wrong = found.iter().zip(expected).position(|(f, e)| f != e);
            assert_eq!(wrong.map(|i| (i, found[i], expected[i])), None, "{name}: place, found, expected");
        }
    }
}

fn python() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    let python = std::env::var_os("LOCKSTEP_PYTHON").map_or_else(default, PathBuf::from);
    assert!(python.exists(), "{} does not exist; `make venv` makes .venv", python.display());
    python
}

fn vector<T: Element>(data: &[T]) -> Tensor {
    Tensor::new("", &[data.len()], data)
}

fn scalar(x: i64) -> Tensor {
    Tensor::new("", &[], &[x])
}

fn widen<T: Copy + Into<i64>>(data: &[T]) -> Vec<i64> {
    data.iter().map(|&x| x.into()).collect()
}

/// Powers of two and their neighbours below `limit`, and random numbers.
fn edges(limit: i64, random: &mut Random) -> Vec<i64> {
    let powers = (0..62).map(|s| 1_i64 << s).flat_map(|p| [p - 1, p, p + 1]);
    let random = (0..300).map(|i| (random.next() >> (1 + i % 50)) as i64);
    powers.chain(random).filter(|&x| x < limit).collect()
}

#[test]
fn functions_of_section_1() {
    let random = &mut Random::new(1);
    let mut calls = Calls::default();

    let x = edges(1 << 32, random);
    let bits = x.iter().map(|&x| bit_length(x as u32).into()).collect();
    calls.call("BitLength", vec![vector(&x)], &[(INT64, bits)]);

    let squares = (0..65536_i64).step_by(13).chain([65535]).map(|r| r * r);
    let v: Vec<i64> = squares.flat_map(|s| [(s - 1).max(0), s]).chain(edges(1 << 32, random)).collect();
    let roots = v.iter().map(|&v| floor_sqrt(v as u32).into()).collect();
    calls.call("FloorSqrt", vec![vector(&v)], &[(INT64, roots)]);

    let shorts = [-32768, -32767, -16385, -16384, -1, 0, 1, 2, 16383, 16384, 16385, 32766, 32767_i32];
    let pairs: Vec<(i32, i32)> =
        shorts.iter().flat_map(|&a| shorts[1..].iter().map(move |&b| (a, b))).collect();
    let (a, b): (Vec<i32>, Vec<i32>) = pairs.iter().copied().unzip();
    let products = pairs.iter().map(|&(a, b)| mul_q15(a as i16, b as i16).into()).collect();
    calls.call("MulQ15", vec![vector(&a), vector(&b)], &[(INT32, products)]);

    let wide: Vec<i32> = [-70000, -32769, -32768, 0, 32767, 32768, 70000].to_vec();
    let narrow: Vec<i64> = wide.iter().map(|&x| sat16(x).into()).collect();
    calls.call("Sat16", vec![vector(&wide)], &[(INT32, narrow)]);

    for s in 0..=34_i32 {
        let x: Vec<i64> = edges(1 << 54, random).into_iter().flat_map(|x| [x, -x]).collect();
        if s > 0 {
            let y = x.iter().map(|&x| round_shift_wide(x, s as u32)).collect();
            calls.call("RoundShiftWide", vec![vector(&x), scalar(s.into())], &[(INT64, y)]);
        }
        if s <= 30 {
            let limit = (1 << 30) - ((1 << s) >> 1);
            let x: Vec<i32> = x.iter().filter(|x| x.abs() < limit).map(|&x| x as i32).collect();
            let y: Vec<i32> = x.iter().map(|&x| round_shift(x, s)).collect();
            calls.call("RoundShift", vec![vector(&x), scalar(s.into())], &[(INT32, widen(&y))]);
        }
        if s <= 15 {
            let x: Vec<i32> = x.iter().filter(|x| x.abs() < 1 << (30 - s)).map(|&x| x as i32).collect();
            let y: Vec<i32> = x.iter().map(|&x| round_shift(x, -s)).collect();
            calls.call("RoundShiftEither", vec![vector(&x), scalar((-s).into())], &[(INT32, widen(&y))]);
        }
    }
    calls.check();
}

#[test]
fn functions_of_section_3() {
    let mut calls = Calls::default();
    let greatest: Vec<i32> = (0..=32768).collect();
    let scales: Vec<Scale> = greatest.iter().map(|&m| Scale::of_max(m as u16)).collect();
    let of = |f: fn(&Scale) -> i64| scales.iter().map(f).collect::<Vec<_>>();
    let results = [
        (INT32, of(|s| s.max.into())),
        (INT32, of(|s| s.normalised().into())),
        (INT64, of(|s| s.shift.into())),
    ];
    calls.call("Scale", vec![vector(&greatest)], &results);

    for (sign, unsigned) in [(Sign::Signed, 0), (Sign::Unsigned, 1)] {
        for max in [1, 2, 126, 127, 128, 255, 256, 4095, 16384, 20000, 32766, 32767, 32768_u16] {
            let scale = Scale::of_max(max);
            let least = if sign == Sign::Signed { -i32::from(max) } else { 0 };
            let x: Vec<i32> = (least..=scale.max.into()).collect();
            let u = x.iter().map(|&x| i64::from(scale.quantize(x as i16, sign)) + 128).collect();
            let arguments = vec![
                vector(&x),
                vector(&[i32::from(scale.normalised())]),
                vector(&[i64::from(scale.shift)]),
                scalar(unsigned),
            ];
            let zero = vec![128 - 128 * unsigned];
            calls.call("Quantize", arguments, &[(UINT8, u), (UINT8, zero)]);
        }
    }
    calls.check();
}

#[test]
fn functions_of_section_5() {
    let random = &mut Random::new(5);
    let mut calls = Calls::default();
    // 16400 and 131199 in a row of 1024 meet the bounds of (16) and (13); the steps above 16384 are
    // rows of which (13) changes nothing, so that squares and their rounding decide.
    let few = [0, 1, 3, 100, 16383, 16400, 32767, 32768, 131_199, (1 << 20) - 1, 1 << 20, 1 << 25];
    let limits: Vec<i32> = few.into_iter().chain((16384..32768).step_by(700)).collect();
    for width in [32, 34, 384, 1024] {
        let mut rows = Vec::<Vec<i32>>::new();
        for &limit in &limits {
            let sign = |i: usize| if i.is_multiple_of(2) { 1 } else { -1 };
            let pairs = |rest: &mut dyn FnMut() -> i32| {
                let halves = (0..width / 2).map(|i| if i == 0 { limit } else { rest() });
                halves.flat_map(|x| [x, -x]).collect()
            };
            rows.push(pairs(&mut || 8));
            rows.push(pairs(&mut || random.within(-limit / 16, limit / 16)));
            rows.push((0..width).map(|_| random.within(-limit, limit)).collect());
            rows.push((0..width).map(|i| sign(i) * (limit - i as i32 / 2).max(0)).collect());
            rows.push((0..width).map(|i| if i == 0 { limit } else { 0 }).collect());
            rows.push((0..width).map(|i| if i == 0 { -limit } else { 0 }).collect());
            rows.push(vec![limit; width]);
        }
        let sums: Vec<i32> = rows.concat();
        let clamped: Vec<i32> = sums.iter().map(|&s| clamp_sum(s)).collect();
        let z: Vec<i64> = clamped.chunks_exact(width).flat_map(|row| widen(&normalise(row))).collect();
        calls.call("Normalise", vec![Tensor::new("", &[rows.len(), width], &sums)], &[(INT32, z)]);
    }
    calls.check();
}

#[test]
fn functions_of_section_6() {
    let random = &mut Random::new(6);
    let mut calls = Calls::default();
    let octaves: Vec<i16> = (0..=32767).collect();
    let argument: Vec<i32> = octaves.iter().map(|&u| u.into()).collect();
    let p = octaves.iter().map(|&u| exp2(u).into()).collect();
    calls.call("Exp2", vec![vector(&argument)], &[(INT32, p)]);

    for shift in [37, 45, 52, 60, 74] {
        for multiplier in [16384, 16385, 23170, 32767] {
            let m = |random: &mut Random| random.within(1, 32767) >> random.within(0, 14);
            let mut maxima: Vec<(i32, i32)> =
                (0..500).map(|_| (m(random).max(1), m(random).max(1))).collect();
            maxima.extend([(1, 1), (1, 2), (2, 2), (128, 256), (181, 181), (16384, 32767), (32767, 32767)]);
            let (query, key): (Vec<i32>, Vec<i32>) = maxima.iter().copied().unzip();
            let scales: Vec<_> = maxima
                .iter()
                .map(|&(q, k)| {
                    let of = |m| Scale::of_max(m as u16);
                    ScoreScale { multiplier, shift }.of_head(of(q), of(k))
                })
                .collect();
            let factor = scales.iter().map(|s| s.factor.into()).collect();
            let shifts = scales.iter().map(|s| s.shift.into()).collect();
            let arguments =
                vec![vector(&query), vector(&key), scalar(multiplier.into()), scalar(shift.into())];
            calls.call("HeadScale", arguments, &[(INT32, factor), (INT64, shifts)]);
        }
    }

    // Sums of weights around powers of two; a head a row, one channel wide.
    for n in [1, 2, 3, 64, 512_usize] {
        let (mut weights, mut values) = (Vec::<i32>::new(), Vec::<u8>::new());
        let (mut maxima, mut expected) = (Vec::<i32>::new(), Vec::<i64>::new());
        for total in [16383, 16384, 16385, 32767, 32768, 32769, 65536, 1 << 20, 8_388_096] {
            let p: Vec<i32> = (0..n as i32).map(|i| (total - 16383 * i).clamp(0, 16383)).collect();
            let sum = p.iter().sum::<i32>() as u32;
            for m in [1, 200, 32767] {
                for (lo, hi) in [(127, 127), (-127, -127), (-127, 127)] {
                    let v: Vec<i32> = (0..n).map(|_| random.within(lo, hi)).collect();
                    let weighted: i32 = p.iter().zip(&v).map(|(p, v)| p * v).sum();
                    let scale = ContextScale::of(sum, Scale::of_max(m as u16));
                    expected.push(scale.apply(weighted).into());
                    weights.extend(&p);
                    values.extend(v.iter().map(|v| (v + 128) as u8));
                    maxima.push(m);
                }
            }
        }
        let heads = maxima.len();
        let p = Tensor::new("", &[heads, 1, n], &weights);
        let m = Tensor::new("", &[heads, 1, 1], &maxima);
        let dims = vec![heads as i64, n as i64, 1];
        let value = Tensor { dims, data_type: UINT8, raw_data: values, ..Tensor::default() };
        calls.call("Context", vec![p, value, m], &[(INT32, expected)]);
    }
    calls.check();
}

#[test]
fn functions_of_section_7() {
    let random = &mut Random::new(7);
    let mut calls = Calls::default();
    for fraction_bits in 1..=12 {
        let mut coefficients = [[0; SEGMENTS]; 3];
        coefficients.iter_mut().flatten().for_each(|c| *c = random.within(-10922, 10922) as i16);
        let table = Table { coefficients, fraction_bits };
        let magnitude: Vec<i32> = (0..=32768).collect();
        let y = magnitude.iter().map(|&m| table.at(m as u16).into()).collect();
        let rows = Tensor::new("", &[3, SEGMENTS], &coefficients.concat());
        calls.call("Segments", vec![vector(&magnitude), rows, scalar(fraction_bits.into())], &[(INT32, y)]);
    }
    calls.check();
}

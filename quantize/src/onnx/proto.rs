//! The messages of `onnx.proto3`, with the fields that model files of this project and float
//! exports use.
//!
//! The tags are those of the ONNX standard. A reader skips unknown fields. Fields are written in
//! the order of their tags, so equal models give equal bytes.
#![allow(missing_docs, reason = "the ONNX standard documents the messages and their fields")]

use prost::Message;

/// `TensorProto.DataType`.
pub const FLOAT: i32 = 1;
/// `TensorProto.DataType`.
pub const FLOAT16: i32 = 10;
/// `TensorProto.DataType`.
pub const BFLOAT16: i32 = 16;
/// `TensorProto.DataType`.
pub const UINT8: i32 = 2;
/// `TensorProto.DataType`.
pub const INT8: i32 = 3;
/// `TensorProto.DataType`.
pub const INT16: i32 = 5;
/// `TensorProto.DataType`.
pub const INT32: i32 = 6;
/// `TensorProto.DataType`.
pub const INT64: i32 = 7;

/// `TensorProto.DataLocation`.
pub const EXTERNAL: i32 = 1;

/// `AttributeProto.AttributeType`.
pub const ATTRIBUTE_INT: i32 = 2;
const ATTRIBUTE_TENSOR: i32 = 4;
const ATTRIBUTE_INTS: i32 = 7;

/// The domain of this project's operators; the empty string is the domain of the standard ones.
pub const DOMAIN: &str = "lockstep";

#[derive(Clone, PartialEq, Message)]
pub struct Model {
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    #[prost(string, tag = "2")]
    pub producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Property>,
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<Function>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OperatorSet {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Property {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Function {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, repeated, tag = "4")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    pub output: Vec<String>,
    #[prost(string, repeated, tag = "6")]
    pub attribute: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<Node>,
    #[prost(string, tag = "8")]
    pub doc_string: String,
    #[prost(message, repeated, tag = "9")]
    pub opset_import: Vec<OperatorSet>,
    #[prost(string, tag = "10")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    #[prost(message, optional, tag = "5")]
    pub t: Option<Tensor>,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    pub r#type: i32,
    #[prost(string, tag = "21")]
    pub ref_attr_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Bits of FLOAT16 and BFLOAT16, too.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// Where the bytes are, if `data_location` is [`EXTERNAL`]: `location`, `offset`, `length`.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<Property>,
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Type {
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

/// An integer that a tensor's raw bytes hold, least significant byte first.
pub trait Element: Copy {
    /// `TensorProto.DataType`.
    const DATA_TYPE: i32;
    /// Bytes of one element.
    const BYTES: usize;
    /// Appends the bytes.
    fn push(self, bytes: &mut Vec<u8>);
    /// Takes `BYTES` bytes.
    fn take(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($integer:ty, $data_type:expr;)*) => {$(
        impl Element for $integer {
            const DATA_TYPE: i32 = $data_type;
            const BYTES: usize = size_of::<$integer>();
            fn push(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
            fn take(bytes: &[u8]) -> Self {
                let mut array = [0; size_of::<$integer>()];
                array.copy_from_slice(bytes);
                <$integer>::from_le_bytes(array)
            }
        }
    )*};
}

element! {
    i8, INT8;
    i16, INT16;
    i32, INT32;
    i64, INT64;
}

impl Tensor {
    /// A tensor of `dims`; no dimensions make a scalar.
    pub fn new<T: Element>(name: &str, dims: &[usize], data: &[T]) -> Self {
        debug_assert_eq!(dims.iter().product::<usize>(), data.len(), "{name}");
        let mut raw_data = Vec::with_capacity(data.len() * T::BYTES);
        for &x in data {
            x.push(&mut raw_data);
        }
        Self {
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: T::DATA_TYPE,
            name: name.to_owned(),
            raw_data,
            ..Self::default()
        }
    }
}

impl Attribute {
    /// An integer.
    pub fn int(name: &str, value: i64) -> Self {
        Self { name: name.to_owned(), i: Some(value), r#type: ATTRIBUTE_INT, ..Self::default() }
    }

    /// A list of integers.
    pub fn ints(name: &str, values: &[i64]) -> Self {
        Self { name: name.to_owned(), ints: values.to_vec(), r#type: ATTRIBUTE_INTS, ..Self::default() }
    }

    /// A tensor.
    pub fn tensor(name: &str, value: Tensor) -> Self {
        Self { name: name.to_owned(), t: Some(value), r#type: ATTRIBUTE_TENSOR, ..Self::default() }
    }

    /// Inside a function: the integer attribute `of` of the calling node.
    pub fn int_of_caller(name: &str, of: &str) -> Self {
        Self { name: name.to_owned(), r#type: ATTRIBUTE_INT, ref_attr_name: of.to_owned(), ..Self::default() }
    }
}

impl OperatorSet {
    /// The standard operators, at the version that the bodies are written for.
    pub fn standard() -> Self {
        Self { domain: String::new(), version: 18 }
    }

    /// This project's operators.
    pub fn lockstep() -> Self {
        Self { domain: DOMAIN.to_owned(), version: 1 }
    }
}

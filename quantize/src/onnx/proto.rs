//! The messages of `onnx.proto3` with the fields that the format of this project uses.
//!
//! The tags are those of the ONNX standard. Unknown fields of a file are skipped. Fields are written in the
//! order of their tags, so equal models give equal bytes.

use prost::Message;

/// `TensorProto.DataType`.
pub(super) const UINT8: i32 = 2;
/// `TensorProto.DataType`.
pub(super) const INT8: i32 = 3;
/// `TensorProto.DataType`.
pub(super) const INT16: i32 = 5;
/// `TensorProto.DataType`.
pub(super) const INT32: i32 = 6;
/// `TensorProto.DataType`.
pub(super) const INT64: i32 = 7;

/// `AttributeProto.AttributeType`.
pub(super) const ATTRIBUTE_INT: i32 = 2;
const ATTRIBUTE_TENSOR: i32 = 4;
const ATTRIBUTE_INTS: i32 = 7;

/// The domain of this project's operators; the empty string is the domain of the standard ones.
pub(super) const DOMAIN: &str = "lockstep";

#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, tag = "1")]
    pub(super) ir_version: i64,
    #[prost(string, tag = "2")]
    pub(super) producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub(super) opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "14")]
    pub(super) metadata_props: Vec<Property>,
    #[prost(message, repeated, tag = "25")]
    pub(super) functions: Vec<Function>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSet {
    #[prost(string, tag = "1")]
    pub(super) domain: String,
    #[prost(int64, tag = "2")]
    pub(super) version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Property {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Function {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, repeated, tag = "4")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    pub(super) output: Vec<String>,
    #[prost(string, repeated, tag = "6")]
    pub(super) attribute: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    pub(super) node: Vec<Node>,
    #[prost(string, tag = "8")]
    pub(super) doc_string: String,
    #[prost(message, repeated, tag = "9")]
    pub(super) opset_import: Vec<OperatorSet>,
    #[prost(string, tag = "10")]
    pub(super) domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub(super) domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int64, optional, tag = "3")]
    pub(super) i: Option<i64>,
    #[prost(message, optional, tag = "5")]
    pub(super) t: Option<Tensor>,
    #[prost(int64, repeated, tag = "8")]
    pub(super) ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    pub(super) r#type: i32,
    #[prost(string, tag = "21")]
    pub(super) ref_attr_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(super) data_type: i32,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub(super) raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) r#type: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Type {
    #[prost(message, optional, tag = "1")]
    pub(super) tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorType {
    #[prost(int32, tag = "1")]
    pub(super) elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub(super) dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub(super) dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(super) dim_param: Option<String>,
}

/// An integer that a tensor's raw bytes hold, least significant byte first.
pub(super) trait Element: Copy {
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
    pub(super) fn new<T: Element>(name: &str, dims: &[usize], data: &[T]) -> Self {
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
        }
    }
}

impl Attribute {
    /// An integer.
    pub(super) fn int(name: &str, value: i64) -> Self {
        Self { name: name.to_owned(), i: Some(value), r#type: ATTRIBUTE_INT, ..Self::default() }
    }

    /// A list of integers.
    pub(super) fn ints(name: &str, values: &[i64]) -> Self {
        Self { name: name.to_owned(), ints: values.to_vec(), r#type: ATTRIBUTE_INTS, ..Self::default() }
    }

    /// A tensor.
    pub(super) fn tensor(name: &str, value: Tensor) -> Self {
        Self { name: name.to_owned(), t: Some(value), r#type: ATTRIBUTE_TENSOR, ..Self::default() }
    }

    /// Inside a function: the integer attribute `of` of the calling node.
    pub(super) fn int_of_caller(name: &str, of: &str) -> Self {
        Self { name: name.to_owned(), r#type: ATTRIBUTE_INT, ref_attr_name: of.to_owned(), ..Self::default() }
    }
}

impl OperatorSet {
    /// The standard operators, at the version that the bodies are written for.
    pub(super) fn standard() -> Self {
        Self { domain: String::new(), version: 18 }
    }

    /// This project's operators.
    pub(super) fn lockstep() -> Self {
        Self { domain: DOMAIN.to_owned(), version: 1 }
    }
}

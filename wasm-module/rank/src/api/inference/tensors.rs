//! Tensors in binary form: the protocol's extension that Triton's clients use by default.
//!
//! Such a body is JSON, and behind it the elements of the tensors whose parameter
//! `binary_data_size` counts their bytes. An element of type `BYTES` is its length, as a
//! little-endian number of 4 bytes, and its bytes.

use serde_json::{Map, Value};

use crate::problem::{Problem, quote};

/// The header that tells the length of the JSON part.
const HEADER: &str = "inference-header-content-length";

/// The parameter that counts the bytes of a tensor.
const SIZE: &str = "binary_data_size";

/// The same request in JSON alone. `length` is the value of the header
/// `Inference-Header-Content-Length`; without it the body has no binary part.
///
/// # Errors
/// [`Problem::Invalid`] for a length that does not fit the body, and for elements that do not fit
/// their tensor or are not UTF-8.
pub fn unpacked(length: Option<&str>, body: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let Some(length) = length else { return Ok(body) };
    let place = length.trim().parse().ok().filter(|&place: &usize| place <= body.len());
    let Some(place) = place else {
        let detail = format!("expected at most {}, the bytes of the body, got {}", body.len(), quote(length));
        return Err(Problem::invalid(HEADER, detail));
    };
    let (text, mut rest) = body.split_at(place);
    // Text that is not JSON is refused by the endpoint, in words of its own.
    let Ok(Value::Object(mut request)) = serde_json::from_slice(text) else { return Ok(text.to_vec()) };
    if let Some(Value::Array(tensors)) = request.get_mut("inputs") {
        for (index, tensor) in tensors.iter_mut().enumerate() {
            if let Value::Object(tensor) = tensor {
                unpack(&format!("inputs[{index}]"), tensor, &mut rest)?;
            }
        }
    }
    if !rest.is_empty() {
        let detail = format!("{} bytes of the body belong to no tensor", rest.len());
        return Err(Problem::invalid(HEADER, detail));
    }
    Ok(Value::Object(request).to_string().into_bytes())
}

/// Moves the elements of one tensor from `rest` to its `data`.
fn unpack(path: &str, tensor: &mut Map<String, Value>, rest: &mut &[u8]) -> Result<(), Problem> {
    let size = tensor.get_mut("parameters").and_then(Value::as_object_mut).and_then(|all| all.remove(SIZE));
    let Some(size) = size else { return Ok(()) };
    let wrong = |detail: String| Problem::invalid(format!("{path}.parameters.{SIZE}"), detail);
    let part = size.as_u64().and_then(|size| rest.split_at_checked(usize::try_from(size).ok()?));
    let Some((mut part, behind)) = part else {
        return Err(wrong(format!("expected at most the {} bytes that are left, got {size}", rest.len())));
    };
    *rest = behind;
    let mut texts = Vec::new();
    while !part.is_empty() {
        let element = part.split_first_chunk().and_then(|(length, behind)| {
            behind.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
        });
        let Some((bytes, behind)) = element else {
            return Err(wrong(format!("element {} goes beyond the end of its tensor", texts.len())));
        };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let detail = format!("not UTF-8 from byte {} on", error.valid_up_to());
            Problem::invalid(format!("{path}.data[{}]", texts.len()), detail)
        })?;
        texts.push(Value::from(text));
        part = behind;
    }
    tensor.insert("data".into(), Value::Array(texts));
    Ok(())
}

//! Decodes the content coding of a body.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::problem::Problem;

/// The coding that every host decodes.
const TAKEN: &str = "gzip";

/// The bytes of a body whose header `content-encoding` is `coding`, if it has that header. The
/// result has at most `limit` bytes, however small the body is.
///
/// # Errors
/// [`Problem::Encoding`] for a coding other than gzip, [`Problem::BodyTooLarge`] and
/// [`Problem::Invalid`].
pub fn decoded(coding: Option<&str>, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, Problem> {
    let coding = coding.unwrap_or_default().trim();
    if coding.is_empty() || coding.eq_ignore_ascii_case("identity") {
        return Ok(body);
    }
    if !coding.eq_ignore_ascii_case(TAKEN) && !coding.eq_ignore_ascii_case("x-gzip") {
        return Err(Problem::encoding(coding, TAKEN));
    }
    let mut bytes = Vec::new();
    let mut reader = MultiGzDecoder::new(&*body).take(limit as u64 + 1);
    reader.read_to_end(&mut bytes).map_err(|error| Problem::invalid("body", format!("no gzip: {error}")))?;
    if bytes.len() > limit {
        return Err(Problem::BodyTooLarge { sent: format!("decoded, more than {limit}"), limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_decoded_and_nothing_else() {
        let text = b"{\"inputs\": \"a\"}".repeat(9);
        for coding in [None, Some(""), Some("identity"), Some(" Identity ")] {
            assert_eq!(decoded(coding, text.clone(), 1).unwrap(), text);
        }
        for coding in ["gzip", "GZIP", "x-gzip"] {
            assert_eq!(decoded(Some(coding), gzip(&text), text.len()).unwrap(), text);
        }
        let two = [gzip(&text), gzip(b"more")].concat();
        assert_eq!(decoded(Some("gzip"), two, 1 << 20).unwrap(), [&text[..], b"more"].concat());
        for coding in ["br", "deflate", "gzip, gzip", "zstd"] {
            let problem = decoded(Some(coding), gzip(&text), 1 << 20).unwrap_err();
            assert_eq!(problem.status(), 415);
            assert_eq!(problem.to_string(), format!("content-encoding: expected gzip, got \"{coding}\""));
        }
    }

    #[test]
    fn what_comes_out_is_bounded_and_whole() {
        let bomb = gzip(&vec![b' '; 64 << 20]);
        assert!(bomb.len() < 1 << 18);
        let problem = decoded(Some("gzip"), bomb, 1 << 20).unwrap_err();
        assert_eq!((problem.status(), problem.to_string().contains("more than 1048576")), (413, true));
        let exact = gzip(&[b'x'; 100]);
        assert_eq!(decoded(Some("gzip"), exact.clone(), 100).unwrap().len(), 100);
        assert_eq!(decoded(Some("gzip"), exact.clone(), 99).unwrap_err().status(), 413);
        for end in 0..exact.len() {
            assert_eq!(
                decoded(Some("gzip"), exact[..end].to_vec(), 1000).unwrap_err().status(),
                422,
                "{end}"
            );
        }
        assert_eq!(decoded(Some("gzip"), b"{\"inputs\": 1}".to_vec(), 1000).unwrap_err().status(), 422);
    }
}

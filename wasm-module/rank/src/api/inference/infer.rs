//! `POST /v2/models/{model}/infer`: vectors or scores of texts.

use serde::Serialize;

use super::{
    super::{
        call::Call,
        endpoint::{Endpoint, Request, Route},
    },
    model::{VERSION, check, name, output},
};
use crate::{
    encoder::{Encoded, ModelKind, Text},
    exact::unit_vector,
    fields::{At, Fields},
    label_scores::logits,
    limits::Limits,
    problem::{Problem, quote},
    prompts::behind,
    reply::Reply,
    texts::{read_non_empty, read_text},
};

/// Most tensors of a request: this model has two.
const TENSORS: usize = 8;

/// Texts, or pairs of texts.
pub(crate) struct Infer {
    /// The client's name of the request, which the answer repeats.
    id: Option<String>,
    /// Behind the prompt of texts without a role; never empty.
    texts: Vec<(String, Option<String>)>,
    /// The name of the input that has the texts.
    input: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: [Output; 1],
}

#[derive(Serialize)]
struct Output {
    name: &'static str,
    datatype: &'static str,
    shape: [usize; 2],
    data: Data,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Vectors(Vec<f32>),
    Scores(Vec<f64>),
}

impl Endpoint for Infer {
    fn route() -> Route {
        Route::post("/v2/models/{}/infer")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        check(request)?;
        let mut fields = request.open_fields()?;
        let id = fields.optional("id").map(At::string).transpose()?;
        let (output, ..) = output(&request.model.kind);
        if let Some(outputs) = fields.optional("outputs") {
            for tensor in outputs.array("an array of tensors", TENSORS)? {
                let mut tensor = tensor.object("a tensor")?;
                let named = tensor.required("name")?;
                let path = named.path.clone();
                let asked = named.string()?;
                if asked != output {
                    let detail = format!("expected {}, got {}", quote(output), quote(&asked));
                    return Err(Problem::invalid(path, detail));
                }
            }
        }
        let inputs = fields.required("inputs")?;
        let path = inputs.path.clone();
        let (mut texts, mut pairs) = (None, None);
        for tensor in read_non_empty(inputs, "an array of tensors", TENSORS)? {
            let place = tensor.path.clone();
            let mut tensor = tensor.object("a tensor")?;
            let named = tensor.required("name")?.string()?;
            let slot = match (named.as_str(), &request.model.kind) {
                ("text_pair", ModelKind::Classifier { .. }) => &mut pairs,
                // Clients of other servers have their own name for the only input.
                _ => &mut texts,
            };
            if slot.is_some() {
                let detail = format!("one tensor of texts is enough, {} is another one", quote(&named));
                return Err(Problem::invalid(place, detail));
            }
            *slot = Some((place, named, read_tensor(&mut tensor, request.limits)?));
        }
        let Some((_, input, texts)) = texts else {
            return Err(Problem::invalid(path, "there is no tensor of texts, only their pairs"));
        };
        let mut pairs = match pairs {
            None => vec![None; texts.len()],
            Some((_, _, pairs)) if pairs.len() == texts.len() => pairs.into_iter().map(Some).collect(),
            Some((place, _, pairs)) => {
                let detail = format!("{} texts for the {} of the other tensor", pairs.len(), texts.len());
                return Err(Problem::invalid(place, detail));
            }
        };
        let prompt = request.model.prompts.any();
        let texts = texts.into_iter().zip(pairs.drain(..));
        let texts = texts.map(|(text, pair)| (behind(prompt, text), pair)).collect();
        Ok(Self { id, texts, input })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.texts.iter().map(Text::of).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let (encoded, usage) = call.encode(&self.inputs(), |index| format!("{}[{index}]", self.input))?;
        let model = call.model();
        let (output, datatype, length) = output(&model.kind);
        let data = match &model.kind {
            ModelKind::Embedding { .. } => {
                Data::Vectors(encoded.iter().flat_map(|one| unit_vector(&one.vector)).collect())
            }
            ModelKind::Classifier { logit_scale, scores, .. } => {
                let row = |one: &Encoded| scores.of(&logits(&one.vector, *logit_scale));
                Data::Scores(encoded.iter().flat_map(row).collect())
            }
        };
        let shape = [self.texts.len(), length];
        let answer = Answer {
            model_name: name(model),
            model_version: VERSION,
            id: self.id.as_deref(),
            outputs: [Output { name: output, datatype, shape, data }],
        };
        Reply::answer(&answer, usage)
    }
}

/// Reads the texts of a tensor.
fn read_tensor(tensor: &mut Fields, limits: &Limits) -> Result<Vec<String>, Problem> {
    let datatype = tensor.required("datatype")?;
    let path = datatype.path.clone();
    let found = datatype.string()?;
    if found != "BYTES" {
        return Err(Problem::invalid(path, format!("expected \"BYTES\", got {}", quote(&found))));
    }
    let shape = tensor.required("shape")?;
    let path = shape.path.clone();
    let shape: Vec<usize> = shape
        .array("an array of one or two whole numbers", 2)?
        .into_iter()
        .map(|length| length.whole(0..=usize::MAX, "as many as there are texts"))
        .collect::<Result<_, _>>()?;
    let mut texts = Vec::new();
    for entry in read_non_empty(tensor.required("data")?, "an array of strings", limits.max_inputs)? {
        // A shape of two numbers may come as rows.
        if entry.is_array() {
            for text in read_non_empty(entry, "an array of one string", 1)? {
                texts.push(read_text(text, limits)?);
            }
        } else {
            texts.push(read_text(entry, limits)?);
        }
    }
    if shape.first() != Some(&texts.len()) || shape.get(1).is_some_and(|&width| width != 1) {
        let count = texts.len();
        let detail = format!("expected [{count}] or [{count}, 1], as there are {count} texts, got {shape:?}");
        return Err(Problem::invalid(path, detail));
    }
    Ok(texts)
}

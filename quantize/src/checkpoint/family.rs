//! The families of encoders: how each one names the sizes in `config.json` and the weights, and
//! where its positions begin.
//!
//! All of them are the encoder of `SPEC.md`. README.md has this list as a table, and a test
//! compares the two.

use super::error::CheckpointError;
use super::json::Json;

/// A family of encoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// BERT.
    Bert,
    /// RoBERTa, XLM-RoBERTa and CamemBERT: the first position is behind the padding's.
    Roberta,
    /// DistilBERT: no token types, names of its own.
    DistilBert,
}

/// The `model_type` of each family that is carried.
const CARRIED: [(&str, Family); 5] = [
    ("bert", Family::Bert),
    ("roberta", Family::Roberta),
    ("xlm-roberta", Family::Roberta),
    ("camembert", Family::Roberta),
    ("distilbert", Family::DistilBert),
];

/// The `model_type` of encoders that people bring and that are not carried, and why.
const OTHERS: [(&str, &str); 10] = [
    ("mpnet", "its attention adds relative positions"),
    ("electra", "its word table may be narrower than its layers"),
    ("albert", "its word table is narrower than its layers"),
    ("deberta", "its attention adds relative positions"),
    ("deberta-v2", "its attention adds relative positions"),
    ("xlm-roberta-xl", "its LayerNorms are before the layers"),
    ("modernbert", "its attention has rotary positions"),
    ("nomic_bert", "its attention has rotary positions"),
    ("new", "its attention has rotary positions"),
    ("t5", "its attention adds relative positions"),
];

/// Names of the sizes in `config.json`.
pub(super) struct Keys {
    pub(super) hidden: &'static str,
    pub(super) heads: &'static str,
    pub(super) layers: &'static str,
    pub(super) intermediate: &'static str,
    pub(super) activation: &'static str,
}

/// Names of the weights. Those of a layer stand behind the layer's number.
pub(super) struct Names {
    pub(super) layers: &'static str,
    /// Query, key, value.
    pub(super) projection: [&'static str; 3],
    pub(super) output: &'static str,
    pub(super) attention_norm: &'static str,
    pub(super) expand: &'static str,
    pub(super) contract: &'static str,
    pub(super) output_norm: &'static str,
    /// The two layers of a classification head.
    pub(super) head: [&'static str; 2],
}

const BERT_NAMES: Names = Names {
    layers: "encoder.layer",
    projection: ["attention.self.query", "attention.self.key", "attention.self.value"],
    output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    expand: "intermediate.dense",
    contract: "output.dense",
    output_norm: "output.LayerNorm",
    head: ["pooler.dense", "classifier"],
};

impl Family {
    /// The family of a checkpoint: that of `model_type`, or else that of `architecture`.
    ///
    /// # Errors
    /// Names a family that is not carried, says why, and which ones are.
    pub(super) fn of(json: &Json, architecture: Option<&str>) -> Result<Self, CheckpointError> {
        const KEY: &str = "model_type";
        let Some(kind) = json.text(KEY)? else {
            let known = |family: &Self| {
                architecture.is_some_and(|name| family.is_encoder(name) || family.is_classifier(name))
            };
            return Ok([Self::Roberta, Self::DistilBert].into_iter().find(known).unwrap_or(Self::Bert));
        };
        if let Some((_, family)) = CARRIED.iter().find(|(name, _)| *name == kind) {
            return Ok(*family);
        }
        let why = OTHERS.iter().find(|(name, _)| *name == kind);
        let why = why.map(|(_, why)| format!("which is not carried: {why}; ")).unwrap_or_default();
        let carried = CARRIED.map(|(name, _)| format!("\"{name}\"")).join(", ");
        Err(json.refuse(KEY, &format!("{why}take a model of one of these types: {carried}")))
    }

    /// Whether an architecture has no head, or one that no sentence vector uses.
    pub(super) fn is_encoder(self, architecture: &str) -> bool {
        let names: &[&str] = match self {
            Self::Bert => &[
                "BertModel",
                "BertForMaskedLM",
                "BertForPreTraining",
                "BertForNextSentencePrediction",
                "BertLMHeadModel",
                "BertEncoder",
            ],
            Self::Roberta => &[
                "RobertaModel",
                "RobertaForMaskedLM",
                "XLMRobertaModel",
                "XLMRobertaForMaskedLM",
                "CamembertModel",
                "CamembertForMaskedLM",
            ],
            Self::DistilBert => &["DistilBertModel", "DistilBertForMaskedLM"],
        };
        names.contains(&architecture)
    }

    /// Whether an architecture is a classifier of texts.
    pub(super) fn is_classifier(self, architecture: &str) -> bool {
        let names: &[&str] = match self {
            Self::Bert => &["Bert"],
            Self::Roberta => &["Roberta", "XLMRoberta", "Camembert"],
            Self::DistilBert => &["DistilBert"],
        };
        architecture.strip_suffix("ForSequenceClassification").is_some_and(|name| names.contains(&name))
    }

    pub(super) fn keys(self) -> Keys {
        match self {
            Self::Bert | Self::Roberta => Keys {
                hidden: "hidden_size",
                heads: "num_attention_heads",
                layers: "num_hidden_layers",
                intermediate: "intermediate_size",
                activation: "hidden_act",
            },
            Self::DistilBert => Keys {
                hidden: "dim",
                heads: "n_heads",
                layers: "n_layers",
                intermediate: "hidden_dim",
                activation: "activation",
            },
        }
    }

    pub(super) fn names(self) -> Names {
        match self {
            Self::Bert => BERT_NAMES,
            Self::Roberta => Names { head: ["classifier.dense", "classifier.out_proj"], ..BERT_NAMES },
            Self::DistilBert => Names {
                layers: "transformer.layer",
                projection: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
                output: "attention.out_lin",
                attention_norm: "sa_layer_norm",
                expand: "ffn.lin1",
                contract: "ffn.lin2",
                output_norm: "output_layer_norm",
                ..BERT_NAMES
            },
        }
    }

    /// The row of the position table that the first token gets.
    ///
    /// A token that is itself the padding's, such as the text `<pad>`, has the row before it in
    /// transformers, and the next token does not count it. Here every token counts.
    pub(super) fn first_position(self, json: &Json) -> Result<usize, CheckpointError> {
        const KEY: &str = "pad_token_id";
        match self {
            Self::Bert | Self::DistilBert => Ok(0),
            Self::Roberta => {
                match json.count(KEY)?.unwrap_or(1) {
                    id if id < 1 << 15 => Ok(id + 1),
                    _ => Err(json
                        .refuse(KEY, "which is also the row before the first position; allowed: 0 to 32767")),
                }
            }
        }
    }
}

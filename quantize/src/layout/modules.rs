//! `modules.json`: which modules a sentence-transformers model has, and where.

use std::path::{Component, Path, PathBuf};

use lockstep_arith::encoder::{DENSE_MAX, Pooling};
use serde_json::Value;

use super::pooling;
use super::prompts::Prompts;
use crate::checkpoint::{CheckpointError, Config, DenseModule, Json, read_json, shown};

/// The modules of a model folder, all of which this program carries.
#[derive(Debug)]
pub struct Modules {
    /// The folder with `config.json`, the tokenizer and the weights.
    pub transformer: PathBuf,
    /// The configuration of the pooling module, if there is one.
    pooling: Option<PathBuf>,
    /// The folders of the `Dense` modules behind the pooling, in order.
    dense: Vec<PathBuf>,
    /// Whether the vectors are scaled to length 1.
    pub normalize: bool,
    /// The file `modules.json`, if there is one.
    list: Option<PathBuf>,
    /// What the user should know.
    notes: Vec<String>,
}

/// One entry of `modules.json`.
struct Module {
    /// Its place in the file, for errors: `[1]`.
    at: String,
    /// The class, without the path of its Python module.
    class: String,
    folder: PathBuf,
}

const FILE: &str = "modules.json";
const CARRIED: &str = "carried: Transformer, Pooling, up to 4 Dense, Normalize, in this order";

impl Modules {
    /// Reads `modules.json`. A folder without it is a bare checkpoint.
    ///
    /// # Errors
    /// Names a module that this program does not carry, or an entry that is damaged.
    pub fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let path = folder.join(FILE);
        let fail = |reason: String| CheckpointError::Config { path: path.clone(), reason };
        if !path.is_file() {
            if folder.join("2_Dense").is_dir() {
                return Err(fail("there is none, although there is 2_Dense, which it must list".to_owned()));
            }
            return Ok(Self::bare(folder));
        }
        let value = read_json(&path)?;
        let list = value.as_array().ok_or_else(|| fail("it is no array of modules".to_owned()))?;
        let modules: Vec<Module> = list
            .iter()
            .enumerate()
            .map(|(i, entry)| module(folder, i, entry).map_err(fail))
            .collect::<Result<_, _>>()?;
        let (first, rest) = modules.split_first().ok_or_else(|| fail("it lists no module".to_owned()))?;
        // Version 0 of the library had a class for each kind of network.
        if !["Transformer", "BERT"].contains(&first.class.as_str()) {
            return Err(fail(first.unsupported("the first module must be a Transformer")));
        }
        let mut found = Self {
            transformer: first.folder.clone(),
            pooling: None,
            dense: Vec::new(),
            normalize: false,
            list: Some(path.clone()),
            notes: Vec::new(),
        };
        for module in rest {
            match module.class.as_str() {
                "Pooling" if found.pooling.is_none() && !found.normalize => {
                    found.pooling = Some(module.folder.join("config.json"));
                }
                "Dense" if found.pooling.is_some() && !found.normalize && found.dense.len() < DENSE_MAX => {
                    found.dense.push(module.folder.clone());
                }
                "Normalize" if found.pooling.is_some() => {
                    of_vectors(&module.folder.join("config.json"))?;
                    found.normalize = true;
                }
                // It does nothing outside of training.
                "Dropout" => {}
                _ => return Err(fail(module.unsupported(CARRIED))),
            }
        }
        Ok(found)
    }

    fn bare(folder: &Path) -> Self {
        let pooling = folder.join("1_Pooling/config.json");
        let pooling = pooling.is_file().then_some(pooling);
        let notes =
            pooling.iter().map(|p| format!("there is no {FILE}; the pooling is that of {}", p.display()));
        Self {
            transformer: folder.into(),
            notes: notes.collect(),
            pooling,
            dense: Vec::new(),
            normalize: false,
            list: None,
        }
    }

    /// The dense layers behind the pooling.
    ///
    /// # Errors
    /// Names the file and the key or tensor that is not carried.
    pub fn dense(&self, config: &Config) -> Result<Vec<DenseModule>, CheckpointError> {
        if let (Some(list), Some(folder)) = (&self.list, self.dense.first())
            && config.labels.is_some()
        {
            let reason = format!(
                "it lists a Dense ({}), but config.json is that of a classifier, which has no vectors",
                folder.display()
            );
            return Err(CheckpointError::Config { path: list.clone(), reason });
        }
        let mut width = config.hidden;
        let mut load = |folder: &PathBuf| {
            let module = DenseModule::load(folder, width)?;
            width = module.linear.bias.len();
            Ok(module)
        };
        self.dense.iter().map(&mut load).collect()
    }

    /// Refuses a pooling that leaves out the tokens of the model's prompts.
    ///
    /// # Errors
    /// Names the file of the pooling.
    pub fn check(&self, prompts: &Prompts) -> Result<(), CheckpointError> {
        match &self.pooling {
            Some(path) if !prompts.texts.is_empty() => pooling::refuse_without_prompt(path),
            _ => Ok(()),
        }
    }

    /// The pooling of vectors of `hidden` numbers, and what the user should know about it.
    /// `chosen` is the user's own choice, which wins.
    ///
    /// # Errors
    /// Names a pooling that this program does not carry.
    pub fn pooling(
        &self,
        hidden: usize,
        chosen: Option<Pooling>,
    ) -> Result<(Pooling, Vec<String>), CheckpointError> {
        let only_normalized = self.normalize && self.dense.is_empty();
        let stated = self.pooling.as_deref().map(|path| pooling::read(path, hidden, only_normalized));
        match (chosen, stated) {
            (Some(chosen), stated) => {
                let other = stated.and_then(Result::ok).filter(|stated| *stated != chosen);
                let note = other.map(|stated| {
                    format!(
                        "pooling is {}, as --pooling says; the checkpoint says {}",
                        pooling_name(chosen),
                        pooling_name(stated)
                    )
                });
                Ok((chosen, note.into_iter().collect()))
            }
            (None, Some(stated)) => Ok((stated?, self.notes.clone())),
            (None, None) => {
                let listed = self.list.is_some();
                let why = if listed { "modules.json has no Pooling" } else { "there is no modules.json" };
                let note = format!("{why}: mean pooling is ASSUMED; --pooling cls chooses another one");
                Ok((Pooling::Mean, vec![note]))
            }
        }
    }
}

/// The name of a pooling in the manifest and on the command line.
#[must_use]
pub fn pooling_name(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Mean => "mean",
        Pooling::Cls => "cls",
        Pooling::Max => "max",
        Pooling::WeightedMean => "weightedmean",
    }
}

fn module(folder: &Path, index: usize, entry: &Value) -> Result<Module, String> {
    let at = format!("[{index}]");
    let text = |key: &str| {
        let value = entry.get(key);
        value.and_then(Value::as_str).ok_or_else(|| {
            format!("{at}.{key} is {}, allowed: a text", value.map_or_else(|| "missing".to_owned(), shown))
        })
    };
    let (kind, path) = (text("type")?, text("path")?);
    if !kind.starts_with("sentence_transformers.") {
        return Err(format!(
            "{at}.type is \"{kind}\": code of the model's own, which this program cannot run"
        ));
    }
    let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(path).components().all(plain) {
        return Err(format!("{at}.path is \"{path}\", allowed: a folder inside the model's"));
    }
    let class = kind.rsplit('.').next().unwrap_or_default().to_owned();
    Ok(Module { at, class, folder: folder.join(path) })
}

impl Module {
    fn unsupported(&self, carried: &str) -> String {
        format!(
            "{}.type is a {} ({}), which this program does not carry here; {carried}",
            self.at,
            self.class,
            self.folder.display()
        )
    }
}

/// Refuses a `Normalize` that works on something else than the vector of the text.
fn of_vectors(path: &Path) -> Result<(), CheckpointError> {
    let Some(json) = Json::read_if_there(path)? else { return Ok(()) };
    for key in ["module_input_name", "module_output_name"] {
        if json.text(key)?.is_some_and(|value| value != "sentence_embedding") {
            return Err(json.refuse(key, "allowed: \"sentence_embedding\""));
        }
    }
    Ok(())
}

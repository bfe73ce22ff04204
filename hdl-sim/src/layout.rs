//! Packed structs of the RTL's packages: the place of each field, read from the SystemVerilog.
//!
//! A bench names a field of a port by the port's name and the field's name: the field `addr` of the
//! input `req_i` is `req_addr_i`, the field `addr` of the output `axi_ar_o` is `axi_araddr_o`.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::{Bits, Error, sources};

/// A field: its name, its lowest bit and its width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) low: usize,
    pub(crate) width: usize,
}

/// A packed struct. A field that is a struct itself also lists its own fields: the field `valid` of
/// the field `ar` is `ar_valid`, `arvalid`, or `valid` if no other field has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    name: String,
    width: usize,
    fields: Vec<Field>,
}

impl Layout {
    /// The struct `name` of any package of the RTL.
    ///
    /// # Errors
    /// No package has it, or a package cannot be read.
    pub fn of(name: &str) -> Result<Self, Error> {
        let mut types = Types::read(&sources::all()?)?;
        types.structs.remove(name).ok_or_else(|| refused(name, "no package of the RTL has this struct"))
    }

    /// Number of bits.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// A value with these fields; all other fields are zero.
    ///
    /// # Errors
    /// The struct has no field of a name.
    pub fn pack(&self, values: &[(&str, u64)]) -> Result<Bits, Error> {
        let mut bits = Bits::zero(self.width);
        for (name, value) in values {
            let missing = || refused(&self.name, &format!("it has no field {name}"));
            let field = self.field(name).ok_or_else(missing)?;
            bits.put(field.low, field.width.min(64), *value);
        }
        Ok(bits)
    }

    /// The place of a field; `None` if the struct has no field of this name, or several.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        let own = self.fields.iter().find(|f| f.name == name)?;
        self.fields.iter().all(|f| f.name != name || f == own).then_some(own)
    }
}

/// All types of some packages.
#[derive(Default)]
pub(crate) struct Types {
    numbers: HashMap<String, usize>,
    widths: HashMap<String, usize>,
    structs: HashMap<String, Layout>,
}

impl Types {
    /// The types of the packages among these files, which stand in an order for tools.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self, Error> {
        let mut texts = Vec::new();
        for file in files.iter().filter(|f| f.to_string_lossy().ends_with("_pkg.sv")) {
            texts.push(without_comments(&std::fs::read_to_string(file).map_err(Error::file(file))?));
        }
        let mut types = Self::default();
        for text in &texts {
            types.read_numbers(text);
        }
        // A package may use the types of packages that come later in the list.
        for _ in 0..texts.len() {
            texts.iter().for_each(|text| types.read_types(text));
        }
        Ok(types)
    }

    /// The ports of a module that are structs, or packed arrays of structs: name and type.
    pub(crate) fn ports(&self, module: &str) -> Vec<(String, Layout)> {
        let text = without_comments(module);
        let lines =
            text.lines().map(str::trim).filter(|l| l.starts_with("input ") || l.starts_with("output "));
        let port = |line: &str| {
            let words: Vec<&str> = words(line).collect();
            let layout = words.iter().find_map(|word| self.structs.get(*word))?;
            Some(((*words.last()?).into(), layout.clone()))
        };
        lines.filter_map(port).collect()
    }

    /// `parameter int unsigned Name = 12;`
    fn read_numbers(&mut self, text: &str) {
        for statement in text.split(';') {
            let Some((_, rest)) = statement.rsplit_once("parameter int unsigned ") else { continue };
            if let Some((name, value)) = rest.split_once('=')
                && let Some(value) = self.number(value)
            {
                self.numbers.insert(name.trim().into(), value);
            }
        }
    }

    fn read_types(&mut self, text: &str) {
        for part in text.split("typedef ").skip(1) {
            let (head, rest) = match part.split_once('{') {
                Some((head, rest)) if !head.contains(';') => (head, rest),
                // `typedef logic [7:0] name_t;`
                _ => {
                    let Some((declaration, _)) = part.split_once(';') else { continue };
                    if let Some((name, width)) = self.declaration(declaration) {
                        self.widths.insert(name, width);
                    }
                    continue;
                }
            };
            let Some((body, after)) = rest.split_once('}') else { continue };
            let Some(name) = words(after).next() else { continue };
            if head.starts_with("enum") {
                if let Some((_, width)) =
                    self.declaration(&format!("{} name", head.trim_start_matches("enum")))
                {
                    self.widths.insert(name.into(), width);
                }
            } else if let Some(layout) = self.layout(name, body) {
                self.widths.insert(name.into(), layout.width);
                self.structs.insert(name.into(), layout);
            }
        }
    }

    /// The first field of a packed struct is the highest.
    fn layout(&self, name: &str, body: &str) -> Option<Layout> {
        let (mut low, mut fields) = (0, Vec::new());
        let declarations: Vec<&str> = body.split(';').filter(|d| !d.trim().is_empty()).collect();
        for declaration in declarations.into_iter().rev() {
            let (field, width) = self.declaration(declaration)?;
            let inner = words(declaration).find_map(|word| self.structs.get(word));
            for part in inner.map_or(&[][..], |layout| &layout.fields) {
                let names =
                    [format!("{field}_{}", part.name), format!("{field}{}", part.name), part.name.clone()];
                fields.extend(names.map(|name| Field { name, low: low + part.low, width: part.width }));
            }
            fields.push(Field { name: field, low, width });
            low += width;
        }
        Some(Layout { name: name.into(), width: low, fields })
    }

    /// `logic [7:0] name`: the name and the width; `None` where a type or a number is not known.
    fn declaration(&self, text: &str) -> Option<(String, usize)> {
        let name = words(text).last()?;
        let kind = words(text.split('[').next()?).find(|word| !word.ends_with("_pkg"))?;
        let each = if kind == "logic" { 1 } else { *self.widths.get(kind)? };
        let mut width = each;
        for range in text.split('[').skip(1) {
            let (high, low) = range.split_once(']')?.0.rsplit_once(':')?;
            width *= self.number(high)? + 1 - self.number(low)?;
        }
        Some((name.into(), width))
    }

    /// A number, a parameter, or one of them less 1.
    fn number(&self, text: &str) -> Option<usize> {
        let text = text.trim();
        if let Some(name) = text.strip_suffix("-1") {
            return self.number(name)?.checked_sub(1);
        }
        let text = text.rsplit("::").next()?;
        match text.strip_prefix("'h") {
            Some(digits) => usize::from_str_radix(digits, 16).ok(),
            None => text.parse().ok().or_else(|| self.numbers.get(text).copied()),
        }
    }
}

fn refused(name: &str, reason: &str) -> Error {
    Error::Layout { name: name.into(), reason: reason.into() }
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Names outside of ranges, in order.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let outside = text.split('[').enumerate().map(|(i, part)| match i {
        0 => part,
        _ => part.split_once(']').map_or("", |(_, after)| after),
    });
    outside
        .flat_map(|part| part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "
        parameter int unsigned Count = 'h20;  // of the flags
        typedef logic [Count-1:0] flags_t;
        typedef enum logic [3:0] { A = 4'd0, B = 4'd1 } kind_e;
        typedef struct packed {
          logic valid;
          logic [63:0] addr;  // in bytes
        } request_t;
        typedef struct packed {
          kind_e kind;
          other_pkg::request_t ask;
          flags_t [1:0] flags;
        } whole_t;";

    #[test]
    fn fields_lie_where_the_package_says() -> Result<(), Error> {
        let text = without_comments(PACKAGE);
        let mut types = Types::default();
        types.read_numbers(&text);
        types.read_types(&text);
        let whole = &types.structs["whole_t"];
        assert_eq!(whole.width(), 4 + 65 + 64);
        let place = |name| whole.field(name).map(|f| (f.low, f.width));
        assert_eq!(place("kind"), Some((129, 4)));
        assert_eq!(place("ask"), Some((64, 65)));
        assert_eq!([place("ask_addr"), place("addr")], [Some((64, 64)); 2]);
        assert_eq!(whole.pack(&[("ask_valid", 1), ("kind", 5)])?.get(128, 5), 11);
        assert!(whole.pack(&[("ready", 1)]).is_err());
        let module = "module m (\n input logic clk_i,\n output pkg::whole_t [2:0] out_o,  // some\n);";
        let ports = types.ports(module);
        assert_eq!(
            ports.iter().map(|p| (p.0.as_str(), p.1.name.as_str())).collect::<Vec<_>>(),
            [("out_o", "whole_t")]
        );
        Ok(())
    }
}

//! Reads items, and gives them to the host with the vectors of their texts.

use std::collections::BTreeSet;

use super::super::call::Call;
use crate::{
    attributes::read_attributes,
    compact::compact,
    encoder::Text,
    fields::Fields,
    items::{Item, Space},
    limits::Limits,
    problem::Problem,
    reply::Usage,
    texts::{read_id, read_text},
};

/// The fields of an item.
pub(super) const FIELDS: [&str; 4] = ["id", "text", "attributes", "expires"];

/// The last second of the year 9999. A time in milliseconds is beyond it.
const LATEST: u64 = 253_402_300_799;

/// Items that are on the disk.
pub(super) struct Kept {
    /// How many texts the model ran on.
    pub(super) encoded: usize,
    /// Positions of the items among them whose text's end was cut off.
    pub(super) truncated: Vec<usize>,
    pub(super) usage: Usage,
}

/// Puts items. `inputs` are their texts behind the prompt of documents; `field(index)` names the
/// request's field of the text of item `index`.
pub(super) fn keep(
    call: &mut Call<'_>,
    space: &Space,
    items: &[Item],
    inputs: &[String],
    field: impl Fn(usize) -> String,
) -> Result<Kept, Problem> {
    let store = call.items()?;
    let (mut new, mut texts) = (Vec::new(), BTreeSet::new());
    for (index, item) in items.iter().enumerate() {
        if texts.insert(&item.text) && !store.knows(space, &item.text)? {
            new.push(index);
        }
    }
    let texts: Vec<Text<'_>> = new.iter().map(|&index| Text::single(&inputs[index])).collect();
    let (encoded, usage) = call.encode(&texts, |input| field(new[input]))?;
    let each = || new.iter().copied().zip(&encoded);
    let vectors = each().map(|(index, one)| (items[index].text.clone(), compact(&one.vector)));
    store.put(space, items.to_vec(), vectors.collect())?;
    let truncated = each().filter(|(_, one)| one.truncated).map(|(index, _)| index).collect();
    Ok(Kept { encoded: new.len(), truncated, usage })
}

/// Reads one item.
pub(super) fn read_item(mut fields: Fields, limits: &Limits) -> Result<Item, Problem> {
    let id = read_id(fields.required("id")?, limits)?;
    let text = read_text(fields.required("text")?, limits)?;
    let attributes = fields.optional("attributes");
    let attributes =
        attributes.map_or_else(|| Ok("{}".to_owned()), |field| read_attributes(field, limits))?;
    let wanted = format!("seconds since 1970, a whole number of at most {LATEST}");
    let expires = fields.optional("expires").map(|field| field.at_most(LATEST, &wanted)).transpose()?;
    Ok(Item { id, text, attributes, expires: expires.map(|second| second as i64) })
}

//! Plots the milliseconds per token of each engine, as bars grouped by place.

use std::{fmt::Write, path::Path};

use crate::{
    error::Fallible,
    table::{Row, engines},
};

const WIDTH: f64 = 900.0;
const LABELS: f64 = 190.0;
const BAR: f64 = 7.0;
const GAP: f64 = 8.0;

/// Writes an SVG for pages with a light or a dark background.
pub(crate) fn write(rows: &[Row], out: &Path) -> Fallible<()> {
    let mut cases: Vec<(usize, usize)> = rows.iter().map(|row| (row.batch, row.n)).collect();
    cases.sort_unstable();
    cases.dedup();
    let longest = rows.iter().map(|row| row.ms / (row.batch * row.n) as f64).fold(0.0, f64::max);
    let mut body = String::new();
    let mut y = 34.0;
    let mut place = "";
    for (at, engine) in engines(rows) {
        if at != place {
            place = at;
            y += 14.0;
            writeln!(body, r#"<text x="4" y="{y}" class="place">{place}</text>"#)?;
            y += 10.0;
        }
        let middle = y + BAR * cases.len() as f64 / 2.0 + 4.0;
        writeln!(body, r#"<text x="{}" y="{middle}" class="name">{engine}</text>"#, LABELS - 8.0)?;
        for (index, &(batch, n)) in cases.iter().enumerate() {
            let found = rows.iter().find(|r| (r.place, r.engine, r.batch, r.n) == (at, engine, batch, n));
            if let Some(row) = found {
                let token = row.ms / (batch * n) as f64;
                let width = ((WIDTH - LABELS - 90.0) * token / longest).max(1.0);
                let class = if engine.starts_with("lockstep") { "ours" } else { "peer" };
                let strength = 1.0 - 0.14 * index as f64;
                writeln!(
                    body,
                    r#"<rect x="{LABELS}" y="{y:.1}" width="{width:.1}" height="{:.1}" class="{class}" opacity="{strength:.2}"/><text x="{:.1}" y="{:.1}" class="value">{token:.3}</text>"#,
                    BAR - 1.0,
                    LABELS + width + 4.0,
                    y + BAR - 1.0,
                )?;
            }
            y += BAR;
        }
        y += GAP;
    }
    let names =
        cases.iter().map(|(batch, n)| if *batch == 1 { n.to_string() } else { format!("{batch} x {n}") });
    let names = names.collect::<Vec<_>>().join(", ");
    let style = "text{font:12px sans-serif;fill:#555}.place{font-weight:bold}.name{text-anchor:end}.value{font-size:7px}.ours{fill:#0a7d55}.peer{fill:#8a8f98}@media(prefers-color-scheme:dark){text{fill:#bbb}}";
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" role=\"img\"><title>Milliseconds a token, one thread</title><style>{style}</style>\n<text x=\"4\" y=\"16\">Milliseconds a token, one thread; bars from the top: {names} tokens</text>\n{body}</svg>\n"
    );
    std::fs::write(out, svg)?;
    println!("wrote {}", out.display());
    Ok(())
}

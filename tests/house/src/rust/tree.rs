//! The modules of a crate: what each one defines, imports and mentions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Gives the text of a file, or `None` if there is no such file.
pub type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// The segments of a path.
pub(super) type Segments = Vec<String>;

/// A module's index in [`Tree::modules`].
pub(super) type Id = usize;

/// The modules of a crate. The root is the first.
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
}

/// A module, in a file of its own or between braces.
#[derive(Default)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    pub(super) parent: Option<Id>,
    /// Names of items other than modules.
    pub(super) items: BTreeSet<String>,
    /// Modules by name. Under different `cfg`s, two may have one name.
    pub(super) children: BTreeMap<String, Vec<Id>>,
    pub(super) imports: Vec<Import>,
    /// Paths outside `use` lines, a single name included.
    pub(super) mentioned: BTreeSet<Segments>,
    /// Names of the macros that are invoked without a path.
    pub(super) macros: BTreeSet<String>,
    /// Whether a macro stands among the items, which may define any name.
    pub(super) generates: bool,
}

/// One name of a `use` line.
pub(super) struct Import {
    /// The name that it gives; `None` for `*`.
    pub(super) name: Option<String>,
    pub(super) path: Segments,
    /// Whether the line is `pub`, of any reach.
    pub(super) public: bool,
}

impl Tree {
    pub(super) fn load(root: &Path, read: Read<'_>) -> Self {
        let mut tree = Self { modules: Vec::new() };
        let children = root.parent().unwrap_or(Path::new("")).to_owned();
        tree.file(root.to_owned(), children, None, read);
        tree
    }

    /// Adds the module of a file; its children's files are in the folder `children`.
    fn file(&mut self, file: PathBuf, children: PathBuf, parent: Option<Id>, read: Read<'_>) -> Id {
        let text = read(&file).unwrap_or_else(|| panic!("{}: no such file", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.module(&parsed.items, Place { file, children, inline: false }, parent, read)
    }

    fn module(&mut self, items: &[syn::Item], place: Place, parent: Option<Id>, read: Read<'_>) -> Id {
        let id = self.modules.len();
        self.modules.push(Module { file: place.file.clone(), parent, ..Module::default() });
        for item in items {
            if let Some(name) = item_name(item) {
                self.modules[id].items.insert(name);
            }
            self.modules[id].generates |= matches!(item, syn::Item::Macro(item) if item.ident.is_none());
            Collector { tree: self, id, place: &place, read }.visit_item(item);
        }
        id
    }

    /// Adds the module of a `mod` line, unless it is for tests.
    fn child(&mut self, item: &syn::ItemMod, place: &Place, parent: Id, read: Read<'_>) {
        let name = plain(&item.ident);
        let id = if let Some((_, items)) = &item.content {
            let inner =
                Place { file: place.file.clone(), children: place.children.join(&name), inline: true };
            self.module(items, inner, Some(parent), read)
        } else {
            let (file, children) = place.file_of(&name, path_attribute(&item.attrs), read);
            self.file(file, children, Some(parent), read)
        };
        self.modules[parent].children.entry(name).or_default().push(id);
    }
}

/// Where a module is, and where its children are looked for.
struct Place {
    file: PathBuf,
    children: PathBuf,
    inline: bool,
}

impl Place {
    /// The file of `mod name;`, and the folder of that module's children.
    fn file_of(&self, name: &str, path: Option<String>, read: Read<'_>) -> (PathBuf, PathBuf) {
        if let Some(path) = path {
            let here = self.file.parent().unwrap_or(Path::new(""));
            let base = if self.inline { &self.children } else { here };
            let file = crate::files::normal(&base.join(path));
            let children = file.parent().unwrap_or(Path::new("")).to_owned();
            return (file, children);
        }
        let folder = self.children.join(name);
        let file = self.children.join(format!("{name}.rs"));
        if read(&file).is_some() { (file, folder) } else { (folder.join("mod.rs"), folder) }
    }
}

/// Reads one item of a module.
struct Collector<'t, 'r> {
    tree: &'t mut Tree,
    id: Id,
    place: &'t Place,
    read: Read<'r>,
}

impl Collector<'_, '_> {
    fn mention(&mut self, path: Segments) {
        self.tree.modules[self.id].mentioned.insert(path);
    }

    fn import(&mut self, tree: &syn::UseTree, before: &Segments, public: bool) {
        let mut path = before.clone();
        let (name, path) = match tree {
            syn::UseTree::Path(part) => {
                path.push(plain(&part.ident));
                return self.import(&part.tree, &path, public);
            }
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before, public));
            }
            syn::UseTree::Name(name) if name.ident == "self" => (path.last().cloned(), path),
            syn::UseTree::Name(name) => {
                path.push(plain(&name.ident));
                (path.last().cloned(), path)
            }
            syn::UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(plain(&rename.ident));
                }
                (Some(plain(&rename.rename)), path)
            }
            syn::UseTree::Glob(_) => (None, path),
        };
        self.tree.modules[self.id].imports.push(Import { name, path, public });
    }

    /// Paths in the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let colon = |i: usize| matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == ':');
        let dot = |i: usize| matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == '.');
        let mut i = 0;
        while i < tokens.len() {
            match &tokens[i] {
                TokenTree::Group(group) => self.tokens(group.stream()),
                // `.name` is a method or a field.
                TokenTree::Ident(first) if i == 0 || !dot(i - 1) || (i > 1 && dot(i - 2)) => {
                    let mut path = vec![first.to_string()];
                    while colon(i + 1) && colon(i + 2) {
                        let Some(TokenTree::Ident(next)) = tokens.get(i + 3) else { break };
                        path.push(next.to_string());
                        i += 3;
                    }
                    self.mention(path);
                }
                _ => {}
            }
            i += 1;
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_, '_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if for_tests(attributes(item)) {
            return;
        }
        match item {
            syn::Item::Mod(module) => self.tree.child(module, self.place, self.id, self.read),
            syn::Item::Use(item) => {
                let public = !matches!(item.vis, syn::Visibility::Inherited);
                self.import(&item.tree, &Vec::new(), public);
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Const(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(path.segments.iter().map(|segment| plain(&segment.ident)).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        if let Some(name) = invoked.path.get_ident() {
            self.tree.modules[self.id].macros.insert(plain(name));
        }
        visit::visit_macro(self, invoked);
        self.tokens(invoked.tokens.clone());
    }

    /// `#[serde(with = "crate::numbers")]` mentions a path in a string.
    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        for token in list.tokens.clone() {
            let text = token.to_string();
            let path = text.trim_matches('"');
            if path.len() < text.len()
                && path.contains("::")
                && let Ok(path) = syn::parse_str::<syn::Path>(path)
            {
                self.visit_path(&path);
            }
        }
    }
}

fn item_name(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    (!for_tests(attributes(item))).then(|| plain(name))
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, …))]` is among the attributes.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    fn idents(tokens: TokenStream, found: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => found.push(ident.to_string()),
                TokenTree::Group(group) => idents(group.stream(), found),
                _ => {}
            }
        }
    }
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let mut found = Vec::new();
        idents(list.tokens.clone(), &mut found);
        list.path.is_ident("cfg") && found.iter().any(|i| i == "test") && !found.iter().any(|i| i == "not")
    })
}

/// The file that `#[path = "…"]` names.
fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}

/// An identifier without `r#`.
fn plain(ident: &proc_macro2::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

//! No two files of a crate use each other, directly or through other files.
//!
//! A file uses another where a path in its code leads to an item that is defined there. Paths are
//! followed through re-exports; a re-export alone does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::sources::{GLOB, Import, Paths, crates, sources, tokens_of};

/// Segments below the crate's root; the root itself has none.
type Module = Vec<String>;

#[derive(Default)]
struct Crate {
    files: BTreeMap<Module, Paths>,
}

impl Crate {
    fn read(name: &str) -> Self {
        let root = crates().join(name).join("src");
        let mut read = Self::default();
        for file in sources(name) {
            let module = module_of(file.strip_prefix(&root).expect("a file of the crate"));
            // Unit tests use what they test, and are used by nothing.
            if module.last().is_none_or(|last| last != "tests") {
                read.files.insert(module, Paths::of(&tokens_of(&file)));
            }
        }
        read
    }

    /// The files that each file uses.
    fn uses(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        self.files.iter().map(|(module, paths)| (module, self.used_by(module, paths))).collect()
    }

    fn used_by(&self, module: &Module, paths: &Paths) -> BTreeSet<Module> {
        // A trait that is imported for its methods is used though no path names it again.
        let imported = paths.imports.iter().filter(|import| !import.exported);
        let used = imported.map(|import| &import.path).chain(&paths.used);
        used.filter_map(|path| self.file_of(module, path, 0))
            .filter(|file| file != module)
            .collect()
    }

    /// The file that defines what `path`, in the code of `module`, leads to.
    fn file_of(&self, module: &Module, path: &[String], depth: usize) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let child = [module.as_slice(), std::slice::from_ref(first)].concat();
        match first.as_str() {
            "crate" => self.descend(Vec::new(), rest, depth),
            "self" => self.descend(module.clone(), rest, depth),
            "super" => {
                let parent = module.split_last()?.1.to_vec();
                if rest.first().is_some_and(|next| next == "super") {
                    self.file_of(&parent, rest, depth)
                } else {
                    self.descend(parent, rest, depth)
                }
            }
            _ if self.imported(module, first).is_some() => {
                self.descend(module.clone(), path, depth)
            }
            _ if self.files.contains_key(&child) => self.descend(child, rest, depth),
            _ => None,
        }
    }

    /// Follows `path` from inside `module`: into its modules, and through its imports.
    fn descend(&self, module: Module, path: &[String], depth: usize) -> Option<Module> {
        // The limit ends imports that lead to themselves.
        if depth > 16 || !self.files.contains_key(&module) {
            return None;
        }
        // A path that ends at a module uses no item of it.
        let (first, rest) = path.split_first()?;
        let child = [module.as_slice(), std::slice::from_ref(first)].concat();
        if self.files.contains_key(&child) {
            return self.descend(child, rest, depth);
        }
        match self.imported(&module, first) {
            Some(import) => {
                let path = [import.path.as_slice(), rest].concat();
                self.file_of(&module, &path, depth + 1)
            }
            None => self.through_globs(&module, path, depth).or(Some(module)),
        }
    }

    /// Follows `path` through an import of everything, to the file that uses its first name
    /// without importing it: there it is defined.
    fn through_globs(&self, module: &Module, path: &[String], depth: usize) -> Option<Module> {
        let name = path.first()?;
        let globs = self.files.get(module)?.imports.iter().filter(|import| import.name == GLOB);
        globs.filter_map(|glob| self.module_at(module, &glob.path)).find_map(|target| {
            let leads_there = match self.imported(&target, name) {
                Some(import) => import.exported,
                None => self.files[&target].used.iter().any(|used| used.first() == Some(name)),
            };
            leads_there.then(|| self.descend(target, path, depth + 1)).flatten()
        })
    }

    /// The module that `path`, in the code of `module`, names.
    fn module_at(&self, module: &Module, path: &[String]) -> Option<Module> {
        let named = match path.first()?.as_str() {
            "crate" => path[1..].to_vec(),
            _ => [module.as_slice(), path].concat(),
        };
        self.files.contains_key(&named).then_some(named)
    }

    fn imported(&self, module: &Module, name: &str) -> Option<&Import> {
        let imports = &self.files.get(module)?.imports;
        // `use name;` imports a crate.
        imports.iter().find(|import| import.name == name && import.path != [name])
    }
}

fn module_of(file: &Path) -> Module {
    let mut module: Module =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    // `main.rs` is a separate root, which the library cannot use.
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

/// The shortest way from each file back to itself, each circle once.
fn circles(uses: &BTreeMap<&Module, BTreeSet<Module>>) -> Vec<String> {
    let mut found = BTreeMap::new();
    for start in uses.keys() {
        let mut ways = vec![vec![(*start).clone()]];
        let mut seen = BTreeSet::new();
        while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
            let next = way.last().and_then(|last| uses.get(last)).into_iter().flatten();
            for file in next {
                if file == *start {
                    let names: Vec<_> = way.iter().map(|module| module.join("::")).collect();
                    let members: BTreeSet<_> = names.iter().cloned().collect();
                    found.entry(members).or_insert_with(|| names.join(" → "));
                } else if seen.insert(file.clone()) {
                    ways.push([way.as_slice(), std::slice::from_ref(file)].concat());
                }
            }
        }
    }
    found.into_values().collect()
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let mut found = Vec::new();
    for name in ["domain", "protocol", "bus", "service", "server", "client", "suite"] {
        let read = Crate::read(name);
        found.extend(circles(&read.uses()).into_iter().map(|circle| format!("{name}: {circle}")));
    }
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}

fn crate_of(files: &[(&str, &str)]) -> Crate {
    let parse = |&(file, code): &(&str, &str)| {
        (module_of(Path::new(file)), Paths::of(&crate::source::sources::tokens(code)))
    };
    Crate { files: files.iter().map(parse).collect() }
}

#[test]
fn a_seeded_circle_is_found() {
    let seeded = crate_of(&[
        ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("a.rs", "use crate::b; pub struct A; fn f() { b::g() }"),
        ("b.rs", "pub(crate) fn g() { super::c::h() }"),
        // Through the re-export of the root.
        ("c.rs", "use crate::A; pub(crate) fn h() -> A { A }"),
    ]);
    assert_eq!(circles(&seeded.uses()), ["a → b → c"]);
    let glob = crate_of(&[
        ("lib.rs", "mod a; mod b; pub use a::*; pub use b::*;"),
        ("a.rs", "use crate::B; pub struct A(B);"),
        ("b.rs", "use crate::A; pub struct B(Option<Box<A>>);"),
    ]);
    assert_eq!(circles(&glob.uses()), ["a → b"]);
    let parent = crate_of(&[
        ("lib.rs", "mod p;"),
        ("p/mod.rs", "mod q; const LIMIT: u8 = 1; fn f() { q::g() }"),
        ("p/q.rs", "use super::LIMIT; pub(super) fn g() -> u8 { LIMIT }"),
    ]);
    assert_eq!(circles(&parent.uses()), ["p → p::q"]);
}

#[test]
fn a_tree_of_files_has_no_circle() {
    let tree = crate_of(&[
        ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a.rs", "use crate::B; pub struct A(B);"),
        ("b.rs", "use std::fmt; pub struct B; impl fmt::Debug for B {}"),
    ]);
    assert_eq!(circles(&tree.uses()), Vec::<String>::new());
}

//! Every rule file that is shipped compiles with its catalogues and holds its cases. Must never skip a file.

use std::fs;
use std::path::{Path, PathBuf};

use tanhui_domain::rule::{Diagnostic, RuleSet, SourceFile};

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "yaml"))
        .filter(|path| !path.to_string_lossy().ends_with(".cases.yaml"))
        .collect();
    files.sort();
    files
}

fn read(root: &Path, path: &Path) -> SourceFile {
    let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
    SourceFile { name, text: fs::read_to_string(path).unwrap_or_default() }
}

fn shown(all: &[Diagnostic]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_shipped_rule_file_compiles_and_holds_its_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let folders = fs::read_dir(&root).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let catalogues: Vec<SourceFile> = folders
        .filter(|path| path.is_dir())
        .flat_map(|folder| yaml_files(&folder))
        .map(|path| read(&root, &path))
        .collect();
    for path in yaml_files(&root) {
        let main = read(&root, &path);
        let rules = RuleSet::compile(&main, &catalogues).unwrap_or_else(|all| panic!("{}", shown(&all)));
        for warning in rules.warnings() {
            println!("{warning}");
        }
        let shared = rules.catalogues().iter().map(|name| root.join(format!("{name}.cases.yaml")));
        let beside = std::iter::once(path.with_extension("cases.yaml")).chain(shared);
        let cases: Vec<SourceFile> =
            beside.filter(|path| path.is_file()).map(|path| read(&root, &path)).collect();
        let summary = rules.check_cases(&cases).unwrap_or_else(|all| panic!("{}", shown(&all)));
        for action in rules.actions() {
            let seen = summary.actions.get(action.id()).copied().unwrap_or_default();
            let complete =
                seen.credited > 0 && seen.refused > 0 && (seen.capped > 0 || action.caps().is_empty());
            assert!(complete, "{}: {} needs a yes, a no and a cap case: {seen:?}", main.name, action.id());
        }
        println!("{}: {} actions, {} cases", main.name, rules.actions().count(), summary.cases);
    }
}

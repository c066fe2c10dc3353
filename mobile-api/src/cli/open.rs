//! Opens the services that a command works with, from the settings.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use tanhui_domain::rule::{Diagnostic, RuleSet, SourceFile};
use tanhui_domain::text::{Language, Text};
use tanhui_service::cache::Cache;
use tanhui_service::clock::SystemClock;
use tanhui_service::examination::{self, ExaminationError, Examined};
use tanhui_service::identity::entropy::SystemEntropy;
use tanhui_service::identity::keys::Keys;
use tanhui_service::sign_in::{CodeSender, DemoSender, NoSender};
use tanhui_service::{Services, office, shipped};

use super::CommandError;
use crate::config::Settings;
use crate::sms::SmsWebhook;

/// Opens and migrates the database, and publishes rules where the database holds none.
pub async fn services(settings: &Settings) -> Result<Arc<Services>, CommandError> {
    let cache = match &settings.redis_url {
        Some(url) => Cache::connect(url)?,
        None => Cache::memory(),
    };
    let keys = Keys::derive(&settings.secret.load()?)?;
    let sender = sender(settings);
    let services = Services::open(
        &settings.database_url,
        cache,
        keys,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        sender,
    )
    .await?;
    if services.rules.is_empty() {
        for rules in first_rules(settings.rules.as_deref()).await? {
            office::publish(&services, &rules).await?;
        }
    }
    Ok(Arc::new(services))
}

fn sender(settings: &Settings) -> Arc<dyn CodeSender> {
    match &settings.sms {
        _ if settings.demo => Arc::new(DemoSender),
        Some(gateway) => Arc::new(SmsWebhook::new(gateway)),
        None => Arc::new(NoSender),
    }
}

/// The rule sets to begin with: of a file, of all city files in a folder, or those of a shipped place. None
/// is given where one does not stand.
async fn first_rules(path: Option<&Path>) -> Result<Vec<Examined>, CommandError> {
    let refused = |all: Vec<Diagnostic>| CommandError::Rules(shown(&all));
    let Some(path) = path else {
        let rules = shipped::default_rules().map_err(refused)?;
        return Ok(vec![examined(rules, Vec::new()).await?]);
    };
    if let Some(rules) = path.to_str().filter(|_| !path.exists()).and_then(shipped::rules) {
        return Ok(vec![examined(rules.map_err(refused)?, Vec::new()).await?]);
    }
    let files = if path.is_dir() { rule_files(path)? } else { vec![path.to_owned()] };
    let mut all = Vec::new();
    for file in files {
        let rules = compile(&file)?;
        let cases = cases(&file, &rules)?;
        all.push(examined(rules, cases).await?);
    }
    Ok(all)
}

/// Rules as far as they may be published; what deserves a look is told.
async fn examined(rules: RuleSet, cases: Vec<SourceFile>) -> Result<Examined, CommandError> {
    match examination::examine(rules, cases, examination::TIME_MAX).await {
        Ok(examined) => {
            if !examined.warnings().is_empty() {
                tracing::warn!(city = examined.rules().city(), "{}", shown(examined.warnings()));
            }
            Ok(examined)
        }
        Err(ExaminationError::Unsound(all)) => Err(CommandError::Rules(shown(&all))),
        Err(error @ (ExaminationError::TooLong(_) | ExaminationError::BrokenOff(_))) => {
            Err(CommandError::Rules(error.to_string()))
        }
    }
}

/// The rule files or catalogues of a folder, without their cases, by name.
fn rule_files(folder: &Path) -> Result<Vec<std::path::PathBuf>, CommandError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
        let is_cases = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(".cases"));
        if is_yaml && !is_cases {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Compiles a rule file with the catalogues in the folders beside it, or the shipped ones where there are
/// none.
pub fn compile(file: &Path) -> Result<RuleSet, CommandError> {
    check(file)?.map_err(|all| CommandError::Rules(shown(&all)))
}

/// The same, with what is wrong as data.
pub fn check(file: &Path) -> Result<Result<RuleSet, Vec<Diagnostic>>, CommandError> {
    let main = source(file)?;
    Ok(RuleSet::compile(&main, &catalogues_beside(file)?))
}

/// The folders beside a rule file in which its catalogues stand.
const CATALOGUE_FOLDERS: [&str; 2] = ["factors", "actions"];

fn catalogues_beside(file: &Path) -> Result<Vec<SourceFile>, CommandError> {
    let beside = beside(file);
    let folders = CATALOGUE_FOLDERS.iter().filter(|folder| beside.join(folder).is_dir());
    let mut catalogues = Vec::new();
    for folder in folders.clone() {
        for path in rule_files(&beside.join(folder))? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            catalogues.push(read(&path, format!("{folder}/{name}"))?);
        }
    }
    if folders.count() == 0 { Ok(shipped::catalogues().collect()) } else { Ok(catalogues) }
}

/// The cases of a rule file, its own first, then those of its catalogues.
pub fn cases(file: &Path, rules: &RuleSet) -> Result<Vec<SourceFile>, CommandError> {
    let own = file.with_extension("cases.yaml");
    let beside = beside(file);
    let shared = rules.catalogues().iter().map(|name| beside.join(format!("{name}.cases.yaml")));
    let paths = std::iter::once(own).chain(shared).filter(|path| path.is_file());
    paths
        .map(|path| read(&path, path.strip_prefix(".").unwrap_or(&path).to_string_lossy().into_owned()))
        .collect()
}

/// A file under its own path.
pub fn source(path: &Path) -> Result<SourceFile, CommandError> {
    read(path, path.to_string_lossy().into_owned())
}

fn beside(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn read(path: &Path, name: String) -> Result<SourceFile, CommandError> {
    let unreadable = |cause| CommandError::Unreadable { path: path.to_owned(), cause };
    Ok(SourceFile { name, text: std::fs::read_to_string(path).map_err(unreadable)? })
}

/// Messages as an officer reads them, one after another, in the language of the terminal.
pub fn shown(diagnostics: &[Diagnostic]) -> String {
    let language = language();
    diagnostics.iter().map(|found| found.render(language)).collect::<Vec<_>>().join("\n")
}

/// Why a file cannot be read or written, in the language of the terminal.
pub fn refusal(cause: &std::io::Error) -> String {
    let told = match cause.kind() {
        ErrorKind::NotFound => Text::new("没有这个文件", "there is no such file"),
        ErrorKind::IsADirectory => {
            Text::new("这是文件夹, 请写出其中的文件", "it is a folder: name a file in it")
        }
        ErrorKind::InvalidData => Text::new(
            "不是 UTF-8 文本, 请在编辑器里另存为 UTF-8 编码的纯文本",
            "it is not UTF-8 text: save it from an editor as plain text in UTF-8",
        ),
        ErrorKind::PermissionDenied => Text::new("没有权限", "not permitted"),
        _ => return cause.to_string(),
    };
    told.in_language(language()).to_owned()
}

/// The language of the terminal.
pub fn language() -> Language {
    language_of(|name| std::env::var(name).ok())
}

/// Chinese where the locale is, English otherwise.
fn language_of(variable: impl Fn(&str) -> Option<String>) -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| variable(name));
    match set.into_iter().find(|locale| !locale.is_empty()) {
        Some(locale) if locale.starts_with("zh") => Language::Zh,
        Some(_) | None => Language::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_chooses_the_language() {
        for (set, language) in [
            (&[("LANG", "zh_CN.UTF-8")][..], Language::Zh),
            (&[("LANG", "en_GB.UTF-8")], Language::En),
            (&[("LC_ALL", "en_GB.UTF-8"), ("LANG", "zh_CN.UTF-8")], Language::En),
            (&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN"), ("LANG", "C")], Language::Zh),
            (&[], Language::En),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(language_of(variable), language, "{set:?}");
        }
    }
}

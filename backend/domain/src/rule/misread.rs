//! Why a file is not YAML, in an officer's words: the slip is looked for near the line where reading failed.
//! Must never decide that a file is wrong.

use super::diagnostic::{Finding, Place, text};
use super::slip::is_wide;

/// Most characters of a line that are looked at for wide signs.
const LINE_CHARS_MAX: usize = 500;

/// The slip that most likely made the file unreadable, and where it stands.
pub(super) fn find(source: &str, (line, column): (usize, usize), info: &str) -> (Place, Finding) {
    let failed = Place::new(line, column);
    let lines: Vec<&str> = source.lines().collect();
    let near = near(&lines, line);
    let slip = near
        .iter()
        .find_map(|(number, line)| wide_blank(*number, line).or_else(|| wide_sign(*number, line)))
        .or_else(|| unclosed(&lines, line))
        .or_else(|| near.iter().find_map(|(number, line)| colon(*number, line)))
        .or_else(|| quotes(failed, info))
        .or_else(|| near.iter().find_map(|(number, line)| bare_range(*number, line)))
        .or_else(|| indentation(&near, line));
    slip.unwrap_or_else(|| {
        let info: String = info.chars().take(200).collect();
        let found = Finding::new(text!("文件的写法不对 ({info})", "not valid YAML: {info}")).help(text!(
            "检查缩进; 在 {{ }} 或 [ ] 里, 含有 [ ] , 的公式要加引号",
            "check the indentation; inside {{ }} or [ ], put a formula that holds [ ] or , into quotes"
        ));
        (failed, found)
    })
}

/// The failing line and the written line before it, with their numbers.
fn near<'s>(lines: &[&'s str], failed: usize) -> Vec<(usize, &'s str)> {
    let written = lines.iter().enumerate().take(failed).rev();
    let written = written.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    written.take(2).map(|(at, line)| (at.saturating_add(1), *line)).collect()
}

fn place(line: usize, at: usize) -> Place {
    Place::new(line, at.saturating_add(1))
}

/// A blank of another width where a line is indented.
fn wide_blank(number: usize, line: &str) -> Option<(Place, Finding)> {
    let at = line.chars().take_while(|letter| *letter == ' ').count();
    line.chars().nth(at).filter(|letter| letter.is_whitespace())?;
    let found = text!("行首有全角空格或不间断空格", "the line is indented with blanks of another kind");
    let help = text!("请改成普通空格 (半角)", "use plain blanks, as the space bar gives them");
    Some((place(number, at), Finding::new(found).help(help)))
}

/// A wide colon after a key, or a wide comma or bracket before one.
fn wide_sign(number: usize, line: &str) -> Option<(Place, Finding)> {
    let letters: Vec<char> = line.chars().take(LINE_CHARS_MAX).take_while(|letter| *letter != '#').collect();
    let word = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    let mut quoted = None;
    for (at, letter) in letters.iter().enumerate() {
        match quoted {
            Some(mark) if *letter == mark => quoted = None,
            None if matches!(letter, '"' | '\'') => quoted = Some(*letter),
            Some(_) | None => {}
        }
        if quoted.is_some() {
            continue;
        }
        let before = letters.get(..at).unwrap_or_default();
        let after = letters.get(at.saturating_add(1)..).unwrap_or_default();
        let key_before = before.iter().rev().take_while(|letter| word(letter)).count();
        let starts = before.iter().rev().nth(key_before).is_none_or(|letter| " {,-｛，".contains(*letter));
        let key_after =
            after.iter().skip_while(|letter| **letter == ' ').take_while(|letter| word(letter)).count();
        let colon_after = after.iter().skip_while(|letter| **letter == ' ').nth(key_after);
        let structural = match letter {
            '：' => key_before > 0 && starts,
            '，' | '｛' => key_after > 0 && colon_after.is_some_and(|sign| ":：".contains(*sign)),
            '｝' | '［' | '］' => true,
            _ => false,
        };
        if structural && is_wide(*letter) {
            let (wide, narrow) = (letter, super::slip::narrowed(&letter.to_string()).unwrap_or_default());
            let found = Finding::new(text!("这里的 `{wide}` 是全角符号", "`{wide}` is a full-width sign"));
            let narrow = if narrow == ":" || narrow == "," { format!("{narrow} ") } else { narrow };
            let help = text!("请改成半角 `{narrow}`", "write `{narrow}`");
            return Some((place(number, at), found.help(help)));
        }
    }
    None
}

/// A bracket of the file's structure that is open where reading failed, or closed by its wrong partner.
fn unclosed(lines: &[&str], failed: usize) -> Option<(Place, Finding)> {
    let mut open: Vec<(char, Place)> = Vec::new();
    for (row, line) in lines.iter().enumerate().take(failed) {
        let number = row.saturating_add(1);
        let mut quoted = None;
        let (mut before, mut solid) = (' ', ':');
        for (at, letter) in line.chars().enumerate() {
            let begins = ":-[{,".contains(solid);
            match (quoted, letter) {
                (Some(mark), _) if letter == mark => quoted = None,
                (None, '"' | '\'') if begins => quoted = Some(letter),
                (None, '#') if before == ' ' => break,
                (None, '[' | '{') if begins || !open.is_empty() => open.push((letter, place(number, at))),
                (None, ']' | '}') => match open.pop() {
                    Some((opened, from)) if (opened == '[') != (letter == ']') => {
                        return Some((from, not_closed(opened)));
                    }
                    Some(_) | None => {}
                },
                (Some(_) | None, _) => {}
            }
            before = letter;
            if letter != ' ' {
                solid = letter;
            }
        }
        let last = number == failed;
        let key_follows = lines.get(number).is_some_and(|next| is_entry(next));
        if let Some((opened, from)) = open.last()
            && (last || key_follows)
        {
            return Some((*from, not_closed(*opened)));
        }
    }
    None
}

/// Whether a line looks like the start of an entry: `key:` or `- `.
fn is_entry(line: &str) -> bool {
    let line = line.trim_start();
    let key = line.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').count();
    line.starts_with("- ")
        || (key > 0 && line.chars().nth(key) == Some(':') && !line.trim_end().ends_with(['}', ',']))
}

fn not_closed(bracket: char) -> Finding {
    let partner = if bracket == '[' { ']' } else { '}' };
    Finding::new(text!("这个 `{bracket}` 没有配对的 `{partner}`", "this `{bracket}` has no `{partner}`"))
        .help(text!(
            "补上括号; 在 {{ }} 或 [ ] 里, 含有 [ ] , 的公式要加引号",
            "close it; inside {{ }} or [ ], put a formula that holds [ ] or , into quotes"
        ))
}

/// A key without its colon, or a colon without its blank.
fn colon(number: usize, line: &str) -> Option<(Place, Finding)> {
    let indent = line.chars().take_while(|letter| " -".contains(*letter)).count();
    let rest: Vec<char> = line.chars().skip(indent).collect();
    let key = rest.iter().take_while(|letter| letter.is_ascii_alphanumeric() || **letter == '_').count();
    if key == 0 {
        return None;
    }
    let name: String = rest.iter().take(key.min(40)).collect();
    let after: String = rest.iter().skip(key).collect();
    let end = place(number, indent.saturating_add(key));
    if after.trim().is_empty() {
        let found = Finding::new(text!("`{name}` 后面缺少冒号", "the colon after `{name}` is missing"));
        return Some((end, found.help(text!("请写 `{name}:`", "write `{name}:`"))));
    }
    let glued = after.strip_prefix(':').filter(|value| !value.is_empty() && !value.starts_with(' '))?;
    let value: String = glued.chars().take(40).collect();
    let found = Finding::new(text!("冒号后面缺少空格", "the blank after the colon is missing"));
    let help = text!("请写 `{name}: {value}`", "write `{name}: {value}`");
    Some((end, found.help(help)))
}

fn quotes(failed: Place, info: &str) -> Option<(Place, Finding)> {
    if !info.contains("quoted scalar") {
        return None;
    }
    let found = Finding::new(text!("引号没有配对", "the quotation mark is not closed"));
    let help = text!("补上引号; 带引号的文字要写在同一行", "close it; keep quoted text on one line");
    Some((failed, found.help(help)))
}

/// A range in a formula inside `{ }` or `[ ]`, without quotes around the formula.
fn bare_range(number: usize, line: &str) -> Option<(Place, Finding)> {
    let range = [" in [", " in ("].iter().filter_map(|sign| line.find(sign)).min()?;
    let before = line.get(..range)?;
    let bare = before.contains(['{', '[']) && before.matches(['"', '\'']).count() % 2 == 0;
    let found = Finding::new(text!("这里的公式要加引号", "this formula needs quotes"));
    let help = text!(
        "在 {{ }} 或 [ ] 里, 含有 [ ] , 的公式要加引号",
        "inside {{ }} or [ ], put a formula that holds [ ] or , into quotes"
    );
    bare.then(|| (place(number, before.chars().count().saturating_add(4)), found.help(help)))
}

/// A line that stands deeper or less deep than its neighbours.
fn indentation(near: &[(usize, &str)], failed: usize) -> Option<(Place, Finding)> {
    let [(number, line), (_, before)] = near else { return None };
    let blanks = |line: &str| line.chars().take_while(|letter| *letter == ' ').count();
    let (own, other) = (blanks(line), blanks(before));
    if *number != failed || own == other {
        return None;
    }
    let found = Finding::new(text!(
        "缩进不齐: 此行前面有 {own} 个空格, 上一行有 {other} 个",
        "the indentation does not fit: {own} blanks here, {other} on the line before"
    ));
    let help = text!(
        "同一层的行对齐, 下一层多 2 个空格",
        "lines of one level stand in one column, those below two blanks further"
    );
    Some((place(*number, own), found.help(help)))
}

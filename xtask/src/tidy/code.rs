//! Rust text with the insides of comments, strings and characters blanked out, line by line the same shape.

/// Blanks everything in Rust text that is not code.
pub fn code_only(text: &str) -> String {
    let mut blanker =
        Blanker { chars: text.chars().collect(), at: 0, out: String::with_capacity(text.len()) };
    while let Some(next) = blanker.peek(0) {
        blanker.step(next);
    }
    blanker.out
}

struct Blanker {
    chars: Vec<char>,
    at: usize,
    out: String,
}

impl Blanker {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.saturating_add(ahead)).copied()
    }

    fn step(&mut self, next: char) {
        match (next, self.peek(1)) {
            ('/', Some('/')) => self.blank_while(|blanker| blanker.peek(0) != Some('\n')),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (letter, _) if letter == '_' || letter.is_alphanumeric() => self.word(),
            (_, _) => self.keep(),
        }
    }

    fn keep(&mut self) {
        self.out.extend(self.peek(0));
        self.at = self.at.saturating_add(1);
    }

    fn blank(&mut self) {
        let blank = if self.peek(0) == Some('\n') { '\n' } else { ' ' };
        self.out.push(blank);
        self.at = self.at.saturating_add(1);
    }

    fn blank_while(&mut self, goes_on: impl Fn(&Self) -> bool) {
        while self.peek(0).is_some() && goes_on(self) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth: usize = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth = depth.saturating_add(1),
                (Some('*'), Some('/')) => depth = depth.saturating_sub(1),
                (None, _) => return,
                (Some(_), _) => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.keep();
        while let Some(next) = self.peek(0) {
            match next {
                '"' => return self.keep(),
                '\\' => {
                    self.blank();
                    self.blank();
                }
                _ => self.blank(),
            }
        }
    }

    /// A character, or the tick of a lifetime or label.
    fn quote(&mut self) {
        let is_character = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        self.keep();
        if !is_character {
            return;
        }
        if self.peek(0) == Some('\\') {
            self.blank();
        }
        self.blank();
        self.blank_while(|blanker| blanker.peek(0) != Some('\''));
        self.keep();
    }

    /// A name; `r"`, `r#"`, `br"` and the like begin a raw string.
    fn word(&mut self) {
        let mut word = String::new();
        while let Some(next) = self.peek(0).filter(|next| *next == '_' || next.is_alphanumeric()) {
            word.push(next);
            self.keep();
        }
        if matches!(word.as_str(), "r" | "br" | "cr") {
            let ahead = self.chars.iter().skip(self.at);
            let hashes = ahead.take_while(|next| **next == '#').count();
            if self.peek(hashes) == Some('"') {
                self.raw_string(hashes);
            }
        }
    }

    fn raw_string(&mut self, hashes: usize) {
        for _ in 0..=hashes {
            self.keep();
        }
        let closes = |blanker: &Self| {
            let tail = (1..=hashes).all(|ahead| blanker.peek(ahead) == Some('#'));
            blanker.peek(0) == Some('"') && tail
        };
        self.blank_while(|blanker| !closes(blanker));
        for _ in 0..=hashes {
            self.keep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_and_the_rest_is_blank() {
        let cases = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("{", '{', 'x')"#, r#"f(" ", ' ', ' ')"#),
            (r#"g("\"}", '\'', '\u{7b}')"#, r#"g("   ", '  ', '      ')"#),
            ("h(r\"\\\", b\"}\")", "h(r\" \", b\" \")"),
            ("i(r#\"\"}\"#)", "i(r#\"  \"#)"),
            ("fn j<'a>(x: &'a str) {}", "fn j<'a>(x: &'a str) {}"),
            ("var\"\n\"", "var\"\n\""),
        ];
        for (text, expected) in cases {
            assert_eq!(code_only(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_left_open_ends_with_the_file() {
        for text in ["\"abc", "/* abc", "r#\"abc", "'\\"] {
            assert_eq!(
                code_only(text).chars().filter(|c| c.is_alphabetic() && *c != 'r').count(),
                0,
                "{text}"
            );
        }
    }
}

//! A map that forgets what was not touched for long, at no cost: when the young half is full it becomes the
//! old half, and the old half goes. Holds at least `kept` and at most twice as many entries.

use std::collections::HashMap;

pub struct FadingMap<V> {
    kept: usize,
    young: HashMap<String, V>,
    old: HashMap<String, V>,
}

impl<V> FadingMap<V> {
    pub fn keeping(kept: usize) -> Self {
        Self { kept, young: HashMap::new(), old: HashMap::new() }
    }

    pub fn insert(&mut self, key: String, value: V) {
        self.old.remove(&key);
        self.young.insert(key, value);
        if self.young.len() > self.kept {
            self.old = std::mem::take(&mut self.young);
        }
    }

    pub fn remove(&mut self, key: &str) {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        match self.young.get_mut(key) {
            Some(value) => Some(value),
            None => self.old.get_mut(key),
        }
    }

    /// The entry of a key, young again.
    pub fn get_or_insert_with(&mut self, key: &str, make: impl FnOnce() -> V) -> &mut V {
        if !self.young.contains_key(key) && self.young.len() >= self.kept {
            // Turn over before inserting: the entry returned must be in the young half.
            let kept = self.old.remove(key);
            self.old = std::mem::take(&mut self.young);
            if let Some(value) = kept {
                self.young.insert(key.to_owned(), value);
            }
        }
        let old = &mut self.old;
        self.young.entry(key.to_owned()).or_insert_with(|| old.remove(key).unwrap_or_else(make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_stays_and_the_rest_fades() {
        let mut map = FadingMap::keeping(3);
        for number in 0..100 {
            *map.get_or_insert_with("touched", || 0) += 1;
            map.get_or_insert_with(&format!("once {number}"), || 0);
            assert!(map.young.len() <= 3 && map.old.len() <= 4);
        }
        assert_eq!(map.get_mut("touched"), Some(&mut 100));
        assert_eq!(map.get_mut("once 0"), None);
    }

    #[test]
    fn a_later_value_replaces_an_old_one() {
        let mut map = FadingMap::keeping(1);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
            map.insert(key.to_owned(), value);
        }
        assert_eq!(map.get_mut("a"), Some(&mut 3));
        map.remove("a");
        assert_eq!(map.get_mut("a"), None);
    }
}
